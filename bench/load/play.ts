import { readFleetFiles } from '../../demo/run/fleet-files.ts';
import type { OperationId } from '../../functions/entrypoints/api/contract.ts';
import { computedMs } from '../../test/chaos/time/computed.ts';
import { Random } from '../../test/chaos/time/random.ts';
import { cloudsFor } from '../makespan/clouds.ts';
import { sizeOf } from '../makespan/fleets.ts';
import { inVirtualTime, type VirtualStack } from '../virtual/stack.ts';
import { type Api, openApi } from './api.ts';
import { drawRequest, type LoadedFleet, routeOf } from './mix.ts';

export interface LoadAsked {
  requestsPerSecond: number;
  seed: number;
}

/** What the requests of one operation took. */
export interface Taken {
  operation: OperationId;
  /** Time that each request computed, in ms. */
  ms: number[];
  tableRequests: number;
}

export interface Played {
  taken: Taken[];
  /** Virtual seconds from the first request until all machines ran. */
  seconds: number;
  requests: number;
  running: number;
}

/**
 * Launches the demo's fleets in virtual time. Until all machines run, sends requests to the API at a steady rate of virtual
 * time, and measures the time of each. Virtual time stands still while the API answers, because each request has a
 * process of its own on Lambda. What the model of DynamoDB computes does not count.
 *
 * @throws Error if a request fails
 */
export async function playLoad({ requestsPerSecond, seed }: LoadAsked): Promise<Played> {
  const fleets = readFleetFiles();
  const wanted = sizeOf(fleets);
  return await inVirtualTime({ seed, clouds: cloudsFor(wanted), overstatedBy: 1 }, async (stack) => {
    const api = await openApi(stack.lab);
    const loaded = await Promise.all(
      fleets.map(async (request) => ({ id: await stack.create(request), size: sizeOf([request]), request })),
    );
    const connections = [
      ...new Set(fleets.flatMap(({ nodeGroups }) => nodeGroups.map(({ connection }) => connection))),
    ];
    const load = new Load(stack, api, loaded, connections, seed);
    let isUp = false;
    const up = stack.untilRunning(wanted).finally(() => {
      isUp = true;
    });
    await load.run(1_000 / requestsPerSecond, () => isUp);
    await up;
    return { taken: load.taken, seconds: load.seconds, requests: load.requests, running: wanted };
  });
}

class Load {
  readonly #stack: VirtualStack;
  readonly #api: Api;
  readonly #fleets: readonly LoadedFleet[];
  readonly #connections: readonly string[];
  readonly #random: Random;
  readonly #taken = new Map<OperationId, Taken>();
  readonly #beganMs: number;
  requests = 0;

  constructor(
    stack: VirtualStack,
    api: Api,
    fleets: readonly LoadedFleet[],
    connections: readonly string[],
    seed: number,
  ) {
    this.#stack = stack;
    this.#api = api;
    this.#fleets = fleets;
    this.#connections = connections;
    this.#random = new Random(seed, 'load');
    this.#beganMs = stack.lab.ground.now();
  }

  get taken(): Taken[] {
    return [...this.#taken.values()];
  }

  get seconds(): number {
    return (this.#stack.lab.ground.now() - this.#beganMs) / 1_000;
  }

  /** Sends requests at this interval of virtual time, in ms, until `isOver`. */
  async run(intervalMs: number, isOver: () => boolean): Promise<void> {
    const { ground } = this.#stack.lab;
    for (let at = this.#beganMs; !isOver(); at += intervalMs) {
      await ground.sleep(at - ground.now());
      await ground.scheduler.outside(this.#send());
    }
  }

  async #send(): Promise<void> {
    this.requests += 1;
    const { operation, request } = drawRequest(this.#random, this.requests, this.#fleets, this.#connections);
    const { handler, status: wanted } = routeOf(operation);
    const [before, beganMs] = [{ ...this.#api.tables }, computedMs()];
    const { status, body } = await this.#api.ask(handler, request);
    const tookMs = computedMs() - beganMs - (this.#api.tables.modelMs - before.modelMs);
    // An instance has no record before its claim.
    if (status !== wanted && !(operation === 'getInstance' && status === 404))
      throw new Error(`${request.method} ${request.path} was answered ${status}: ${body}`);
    const taken = this.#taken.get(operation) ?? { operation, ms: [], tableRequests: 0 };
    taken.ms.push(tookMs);
    taken.tableRequests += this.#api.tables.requests - before.requests;
    this.#taken.set(operation, taken);
  }
}
