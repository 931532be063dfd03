import type { Clock } from '../../../functions/platform/runtime/clock.ts';
import { isSameKey } from './account-key.ts';
import { Admission } from './admission.ts';
import { isUp } from './catalogue.ts';
import type { CloudConfig, SimConfig } from './config.ts';
import { type ActiveFault, drawFaults, type Fault, faultDelayMs } from './faults.ts';
import { interruptible, interruptOne, vanishable, vanishOne } from './instances.ts';
import { perform } from './perform.ts';
import type { SimEvent } from './records.ts';
import { Refusal } from './refusals.ts';
import type { Reply } from './reply.ts';
import { type Caller, createInputOf, instancesIn, type Operation } from './requests.ts';
import { SimState } from './state.ts';
import { named, type Target, type World } from './world.ts';
import { nextZone } from './zones.ts';

export interface EngineOptions {
  config: SimConfig;
  clock: Clock;
  /** Overrides the config's seed. */
  seed?: number;
  /**
   * Receives each event that changes the clouds' state. To restore the clouds, store all events and pass them
   * as `past`.
   */
  onEvent?: (event: SimEvent) => void;
  past?: Iterable<SimEvent>;
  /**
   * Returns the API key of an account for which neither the config nor the control API sets a key. Absent:
   * the calls of such an account need no key.
   */
  accountKey?: (account: string) => string;
}

/**
 * Simulates the clouds, without HTTP and without timers. The state at any time is computed from the calls and
 * their times. The caller's clock gives the time.
 */
export class SimEngine {
  readonly #world: World;
  readonly #accountKey: EngineOptions['accountKey'];
  #admission: Admission;

  constructor({ config, clock, seed = config.seed, onEvent, past, accountKey }: EngineOptions) {
    this.#accountKey = accountKey;
    const state = new SimState();
    this.#world = {
      config,
      clock,
      state,
      commit: (event) => {
        state.apply(event);
        onEvent?.(event);
      },
    };
    this.#admission = new Admission(this.#world);
    let isFresh = true;
    for (const event of past ?? []) {
      state.apply(event);
      isFresh = false;
    }
    if (isFresh) this.reset(seed);
  }

  get world(): World {
    return this.#world;
  }

  /**
   * Resets every cloud to its initial state: no resources exist, all counts are 0, and the config's faults are active
   * again.
   */
  reset(seed: number = this.#world.state.seed): void {
    const { config, state, commit } = this.#world;
    this.#admission = new Admission(this.#world);
    commit({ kind: 'reset', seed, epoch: state.epoch + 1 });
    for (const [account, rule] of Object.entries(config.accounts)) commit({ kind: 'account', account, rule });
    for (const fault of config.faults) this.addFault(fault);
  }

  addFault(fault: Fault): ActiveFault {
    const { clock, state, commit } = this.#world;
    const taken = [...state.faults.keys()].map((id) => Number(id.slice(1)));
    const id = `f${Math.max(0, ...taken) + 1}`;
    const added = { ...fault, id, addedAtMs: clock.now(), seen: 0, hits: 0 };
    commit({ kind: 'fault', fault: added });
    return added;
  }

  /** Answers a call. The call takes effect before this method returns, even if the answer is due later. */
  handle(caller: Caller, operation: Operation): Reply {
    const nowMs = this.#world.clock.now();
    try {
      const cloud = named(this.#world.config.clouds, caller.cloud);
      if (!cloud) throw new Refusal('UnknownCloud', `cloud ${caller.cloud} does not exist`);
      this.#authenticate(caller);
      return this.#handle(caller, operation, cloud, nowMs);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refused(error, nowMs);
    }
  }

  /** Returns an account's key. @returns undefined if the account's calls need no key */
  keyOf(account: string): string | undefined {
    return this.#world.state.accounts.get(account)?.apiKey ?? this.#accountKey?.(account);
  }

  #authenticate({ account, apiKey }: Caller): void {
    const rule = this.#world.state.accounts.get(account);
    const right = this.keyOf(account);
    if (right !== undefined && !isSameKey(apiKey, right)) {
      throw new Refusal('InvalidCredentials', `the API key for account ${account} is wrong`);
    }
    if (rule?.revoked) throw new Refusal('AccountRevoked', `account ${account} is revoked`);
  }

  #handle(caller: Caller, operation: Operation, cloud: CloudConfig, nowMs: number): Reply {
    const location = 'location' in operation ? operation.location : undefined;
    if (location !== undefined && !named(cloud.locations, location)) {
      throw new Refusal('UnknownLocation', `location ${location} does not exist`);
    }
    const { state, commit } = this.#world;
    const site = state.site({ cloud: caller.cloud, account: caller.account, location: location ?? '' });
    commit({ kind: 'call', site: site.key, call: operation.call });
    if (location !== undefined && !isUp(this.#world, caller.cloud, cloud, location)) {
      throw new Refusal('LocationUnavailable', `${location} is down`);
    }
    const target: Target = { cloud, site, nowMs };
    this.#admission.takeCall(target, operation.call, instancesIn(operation));
    return this.#withFault(target, operation, this.#draw(caller, operation, target));
  }

  #draw(caller: Caller, operation: Operation, { cloud, site, nowMs }: Target): ActiveFault | undefined {
    const { state, commit } = this.#world;
    if (state.faults.size === 0) return undefined;
    const input = createInputOf(operation);
    const { drawn, struck } = drawFaults(
      [...state.faults.values()],
      {
        cloud: caller.cloud,
        connection: caller.account,
        location: 'location' in operation ? operation.location : undefined,
        instanceType: input?.instanceType,
        market: input && (input.market ?? ('on-demand' as const)),
        zone: input && (input.zone ?? nextZone(cloud, site)),
        call: operation.call,
        canVanish: vanishable(site, nowMs).length > 0,
        canInterrupt: interruptible(site, nowMs).length > 0,
      },
      nowMs,
      state.seed,
    );
    for (const fault of drawn) commit({ kind: 'fault', fault });
    return struck;
  }

  #withFault(target: Target, operation: Operation, fault: ActiveFault | undefined): Reply {
    const { site, nowMs } = target;
    const run = (): Reply => {
      try {
        return perform(this.#world, this.#admission, target, operation, fault);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return refused(error, nowMs);
      }
    };
    switch (fault?.kind) {
      case 'throttle':
        this.#world.commit({ kind: 'throttled', site: site.key });
        throw new Refusal('RateLimited', 'too many calls (injected fault)', 1_000);
      case 'quota':
        throw new Refusal('QuotaExceeded', 'the quota is used up (injected fault)');
      case 'capacity':
        throw new Refusal(
          'InsufficientCapacity',
          'the location has no capacity for this instance type (injected fault)',
        );
      case 'forbidden':
        throw new Refusal(
          'AccessDenied',
          `the credential may not call ${operation.call} here (injected fault)`,
        );
      case 'error':
        throw new Refusal('InternalError', 'internal error (injected fault)');
      case 'loseReplyBeforeEffect':
        return { kind: 'lost', atMs: nowMs };
      case 'loseReplyAfterEffect': {
        const reply = run();
        return { kind: 'lost', atMs: reply.kind === 'silent' ? nowMs : reply.atMs };
      }
      case 'timeout':
        run();
        return { kind: 'silent' };
      case 'delay': {
        const reply = run();
        return reply.kind === 'silent' ? reply : { ...reply, atMs: reply.atMs + faultDelayMs(fault) };
      }
      case 'interrupt':
        interruptOne(this.#world, target, `${fault.id} ${fault.hits}`);
        return run();
      case 'vanish':
        vanishOne(this.#world, target, `${fault.id} ${fault.hits}`);
        return run();
      // `perform` applies these faults.
      case 'duplicateEffect':
      case 'staleList':
      case 'stuckTerminating':
      case 'bootFailure':
      case 'leaveVolumes':
      case undefined:
        return run();
    }
  }
}

function refused(refusal: Refusal, atMs: number): Reply {
  const { status, code, message, retryAfterMs, usedUp } = refusal;
  const body = { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return {
    kind: 'answer',
    atMs,
    status,
    body,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(usedUp ? { usedUp } : {}),
  };
}
