import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallGate, type CloudCall, Permit } from '../../drivers/contract/call-gate.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { limitsAt } from '../../model/limits-in-force.ts';
import { permitCalls, permitFurtherCreates, slowDown } from '../governor/permit-calls.ts';
import { PermitQueue } from '../governor/permit-queue.ts';
import { callRatesOf } from '../governor/rate-limits.ts';
import { usage } from '../runtime/usage.ts';
import type { Store } from '../store/store.ts';
import type { UnknownAnswer } from '../store/unknown-words.ts';
import type { CallHealth } from './call-health.ts';
import type { CallTerms, Log } from './context.ts';

/** Location under which the governor counts calls that belong to no location. */
const EVERYWHERE = 'everywhere';
/**
 * Default maximum time for which a driver method's later requests each wait for a permit. A first request does not wait
 * by default. A later request waits, because the method's earlier requests are useless if a later request fails.
 */
const FURTHER_MS = 10_000;
/** Time that is kept free at the end of an invocation, so that the worker can still handle a refused permit. */
const KEPT_MS = 2_000;

/** One call of a driver's method. */
interface Method {
  waitMs: number;
  furtherMs: number;
  onPermit?: (() => void) | undefined;
  /** Number of create calls, and of machines, that the caller's permits still cover. */
  left: { calls: number; machines: number };
  /** Number of requests that were permitted. */
  permitted: number;
}

const methodOf = ({
  waitMs = 0,
  furtherMs = Math.max(waitMs, FURTHER_MS),
  creates = { calls: 0, machines: 0 },
  onPermit,
}: CallTerms): Method => ({ waitMs, furtherMs, onPermit, left: { ...creates }, permitted: 0 });

export interface GovernedConnection {
  connectionKey: string;
  limits: LimitProfile;
  /** Returns the time at which the current invocation ends, in ms since 1970. No request waits beyond that time. */
  endsAtMs(): number;
  /** Absent for a credential that is only being verified. */
  health?: CallHealth | undefined;
  /** Counts an answer of the cloud that no table of the driver knows. */
  noteWords?(answer: UnknownAnswer): Promise<void>;
}

/**
 * Implements the `CallGate` of one connection's client. Each request, except a sign-in, needs a permit for its kind of
 * call and its location. Create calls use the permits of their launches. Further create calls, for example after the
 * cloud refused to create several machines with one call, need a permit, but no slot and no budget.
 */
export class CallGovernor implements CallGate {
  readonly #store: Store<'governor'>;
  readonly #log: Log;
  readonly #connection: GovernedConnection;
  readonly #methods = new AsyncLocalStorage<Method>();
  readonly #queues = new Map<string, PermitQueue>();

  constructor(store: Store<'governor'>, log: Log, connection: GovernedConnection) {
    this.#store = store;
    this.#log = log;
    this.#connection = connection;
  }

  /**
   * Returns a client whose requests wait for permits under these terms. The terms apply to each method call separately.
   */
  client(client: CloudClient, terms: CallTerms = {}): CloudClient {
    return new Proxy(client, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          this.#methods.run(methodOf(terms), () => Reflect.apply(member, target, args));
      },
    });
  }

  async send<Answer>(call: CloudCall, request: (permit: Permit) => Promise<Answer>): Promise<Answer> {
    if (call.kind !== 'sign-in') await this.#permit(call, call.kind);
    usage.cloudCalls += 1;
    try {
      const answer = await request(new Permit(call));
      await this.#connection.health?.accepted(call);
      return answer;
    } catch (error) {
      if (error instanceof DriverError) {
        await this.#noteRefusal(call, error);
        await this.#connection.health?.denied(call, error);
      }
      throw error;
    }
  }

  async #permit(call: CloudCall, kind: 'create' | 'list' | 'mutate'): Promise<void> {
    const method = this.#methods.getStore() ?? methodOf({});
    const uncounted = kind === 'create' ? takeCreate(method, call) : (call.machines ?? 1);
    if (uncounted !== 'permitted') {
      const sinceMs = this.#store.clock.now();
      const lastMs = this.#connection.endsAtMs() - KEPT_MS;
      const waitMs = () => (method.permitted > 0 ? method.furtherMs : method.waitMs);
      const untilMs = () => Math.min(sinceMs + waitMs(), lastMs);
      await this.#queueOf(call, kind).take(uncounted, untilMs, method.permitted > 0);
    }
    method.permitted += 1;
    if (method.permitted === 1) method.onPermit?.();
  }

  #queueOf({ action, location = EVERYWHERE }: CloudCall, kind: 'create' | 'list' | 'mutate'): PermitQueue {
    const site = this.#siteAt(location);
    const bucket = kind === 'create' ? kind : callRatesOf(site.limits, { action, kind }).bucket;
    const key = `${bucket} ${location}`;
    const known = this.#queues.get(key);
    if (known) return known;
    const store = this.#store;
    const queue = new PermitQueue(store.clock, (sizes) =>
      kind === 'create'
        ? permitFurtherCreates(store, site, sizes)
        : permitCalls(store, site, { action, kind }, sizes),
    );
    this.#queues.set(key, queue);
    return queue;
  }

  /**
   * Logs a refusal, and slows calls down after a throttle. A throttled create call does not slow calls down here,
   * because the worker of the launch reports the throttle to the governor. The governor then also gives new start
   * times.
   */
  async #noteRefusal(
    { action, kind, location = EVERYWHERE }: CloudCall,
    { code, cloudCode, retryAfterMs, unknownWords, message }: DriverError,
  ): Promise<void> {
    const { connectionKey } = this.#connection;
    if (unknownWords) await this.#connection.noteWords?.({ call: action, code, message, location });
    if (code !== 'NotFound')
      this.#log.warn('the cloud refused a call', { connectionKey, location, action, code, cloudCode });
    if (code !== 'Throttled' || kind === 'create' || kind === 'sign-in') return;
    await slowDown(this.#store, this.#siteAt(location), { action, kind }, retryAfterMs);
  }

  #siteAt(location: string) {
    const { connectionKey, limits } = this.#connection;
    return { connectionKey, location, limits: limitsAt(limits, location) };
  }
}

/**
 * Takes a create call out of what the caller's permits cover.
 *
 * @returns `permitted` if they cover the call; otherwise the number of machines of the call that they do not cover
 */
function takeCreate({ left }: Method, { machines = 1 }: CloudCall): number | 'permitted' {
  const covered = Math.min(left.machines, machines);
  left.machines -= covered;
  if (left.calls === 0 || covered < machines) return machines - covered;
  left.calls -= 1;
  return 'permitted';
}
