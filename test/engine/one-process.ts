import type { CloudClient } from '../../functions/drivers/contract/driver.ts';
import { type Delivery, handleBatch } from '../../functions/entrypoints/dispatch/handle-batch.ts';
import type { Connection } from '../../functions/model/connection.ts';
import { connectionKey, parseConnectionKey } from '../../functions/model/identifiers.ts';
import type { LimitProfile } from '../../functions/model/limit-profile.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import { layOut } from '../../functions/platform/placement/lay-out.ts';
import { readSpec } from '../../functions/platform/store/fleets.ts';
import { readNetworks } from '../../functions/platform/store/networks.ts';
import type { Store } from '../../functions/platform/store/store.ts';
import { Backoff } from '../../functions/platform/worker/backoff.ts';
import type { OpenConnection, WorkerContext } from '../../functions/platform/worker/context.ts';
import type { DomainEvent } from '../../functions/platform/worker/events.ts';
import { CallGovernor } from '../../functions/platform/worker/govern-calls.ts';
import type { DriverMessage } from '../../functions/platform/workflow/messages.ts';
import { simDriver } from '../samples/drivers.ts';

/**
 * A map of poll loops whose `get` finds no loop. Message delays are shortened here, but the clock runs at its
 * normal speed. With a normal map, the worker would conclude that each loop has run too long.
 */
class Forgetful extends Map<string, number> {
  override get(): undefined {
    return undefined;
  }
}

export const DEPLOYMENT = 'test-deployment';

/** Returns a message as the queue delivers it for the first time. */
export function delivery(body: string, messageId = 'm'): Delivery {
  return { messageId, body, receiptHandle: `${messageId} held`, receives: 1 };
}

/** Runs the worker of driver `sim` with an in-memory queue and task tokens, over real tables and simulated clouds. */
export class OneProcess {
  /** Task tokens for which no workflow step waits any more. */
  readonly spent = new Set<string>();
  readonly answers = new Map<string, Record<string, unknown>[]>();
  readonly published: DomainEvent[] = [];
  readonly context: WorkerContext;
  readonly #simUrl: string;
  readonly #timeScale: number;
  readonly #wrap: (client: CloudClient) => CloudClient;
  #due: { atMs: number; body: string }[] = [];
  #delivered = 0;
  #limits: LimitProfile | undefined;

  /** @param timeScale number by which delays of messages are divided */
  constructor(
    store: Store,
    simUrl: string,
    timeScale: number,
    wrap: (client: CloudClient) => CloudClient = (client) => client,
  ) {
    this.#simUrl = simUrl;
    this.#timeScale = timeScale;
    this.#wrap = wrap;
    const answer = (taskToken: string, output: Record<string, unknown>) => {
      this.answers.set(taskToken, [...(this.answers.get(taskToken) ?? []), output]);
      return Promise.resolve();
    };
    this.context = {
      store,
      driver: { ...simDriver, consistencyWindowMs: 500 },
      writerId: 'test-writer',
      restores: () => Promise.resolve(0),
      deploymentId: () => Promise.resolve(DEPLOYMENT),
      timeLimitMs: 20_000,
      sharedNetworks: { graceMs: 0, pool: '10.0.0.0/8' },
      invocation: { endsAtMs: Number.MAX_SAFE_INTEGER },
      open: (key) => Promise.resolve(this.#open(key)),
      openWith: async (connection) => this.#open(connectionKey(connection)),
      forget: () => undefined,
      layout: async (fleetId) => {
        const spec = await readSpec(store, fleetId);
        return {
          fleetId,
          namespace: spec.namespace,
          name: spec.name,
          labels: spec.labels ?? {},
          priority: spec.priority ?? 'normal',
          nodeGroups: spec.nodeGroups,
          placements: layOut(spec),
        };
      },
      networks: async (fleetId, site) => {
        const items = await readNetworks(store, { fleetId, ...site });
        return items.every(({ status }) => status === 'Ready') ? items : [];
      },
      forgetNetworks: () => undefined,
      send: (message, delayMs) => Promise.resolve(this.send(message, delayMs)),
      tasks: {
        succeed: answer,
        fail: (taskToken, error, cause) => answer(taskToken, { error, cause }),
        heartbeat: (taskToken) => Promise.resolve(!this.spent.has(taskToken)),
      },
      publish: (events) => {
        this.published.push(...events);
        return Promise.resolve();
      },
      hide: () => Promise.resolve(),
      loopsSeen: new Forgetful(),
      backoff: new Backoff(store.clock, store.random),
      log: {
        info: () => undefined,
        warn: () => undefined,
        error: (message, detail) => console.error(message, detail),
      },
    };
  }

  /** Sets the limits of every connection. The cloud enforces its own limits unchanged. */
  believe(limits: LimitProfile): void {
    this.#limits = limits;
  }

  send(message: DriverMessage, delayMs = 0): void {
    const seconds = Math.ceil(delayMs / 1_000);
    this.#due.push({ atMs: Date.now() + (seconds * 1_000) / this.#timeScale, body: JSON.stringify(message) });
  }

  /** Delivers due messages in batches of ten until `done` returns true. @throws Error after `atMostMs` */
  async runUntil(done: () => boolean, atMostMs: number): Promise<void> {
    const untilMs = Date.now() + atMostMs;
    while (!done()) {
      if (Date.now() > untilMs) throw new Error(`not done after ${atMostMs} ms`);
      const nowMs = Date.now();
      const batch = this.#due.filter(({ atMs }) => atMs <= nowMs).slice(0, 10);
      this.#due = this.#due.filter((message) => !batch.includes(message));
      if (batch.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const deliveries = batch.map(({ body }, at) => delivery(body, `m${this.#delivered + at}`));
      this.#delivered += batch.length;
      const failed = await handleBatch(this.context, deliveries);
      for (const { messageId, body } of deliveries) {
        if (failed.includes(messageId)) this.#due.push({ atMs: Date.now() + 200, body });
      }
    }
  }

  #open(key: string): OpenConnection {
    const { name } = parseConnectionKey(key);
    const cloud = name === 'sim-gcp' ? 'gcp' : 'aws';
    const connection: Connection = {
      namespace: 'default',
      name,
      id: 'c0000000000000000',
      driver: 'sim',
      cloud,
      endpoint: this.#simUrl,
      status: 'Ready',
      createdAt: new Date(0).toISOString(),
    };
    // A fault of the simulated clouds meets a call. One call for each machine lets a test count what it meets.
    const limits = {
      machinesPerCall: 1,
      ...(this.#limits ?? limitProfileOf({ driver: 'sim', cloud }, undefined)),
    };
    const calls = new CallGovernor(this.context.store, this.context.log, {
      connectionKey: key,
      limits,
      endsAtMs: () => this.context.invocation.endsAtMs,
    });
    const client = simDriver.connect({
      cloud,
      credential: { account: name },
      endpoint: this.#simUrl,
      deploymentId: DEPLOYMENT,
      calls,
    });
    const wrapped = this.#wrap(client);
    return {
      connection,
      limits,
      client: calls.client(wrapped),
      onTerms: (terms) => calls.client(wrapped, terms),
    };
  }
}
