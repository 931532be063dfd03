import { checkAwait } from '../../../../functions/features/fleets/await-launches.ts';
import { giveUp } from '../../../../functions/features/instances/give-up.ts';
import { launchInstances } from '../../../../functions/features/instances/launch-instances.ts';
import { outcomeOf } from '../../../../functions/features/instances/next-step.ts';
import type { DeliveryMark } from '../../../../functions/features/launch-queue/attempt.ts';
import {
  keyPairName,
  networkName,
  securityGroupName,
} from '../../../../functions/features/networks/network-names.ts';
import { prepareNetworks } from '../../../../functions/features/networks/prepare.ts';
import { removeNetworks } from '../../../../functions/features/networks/remove.ts';
import { handleUnused } from '../../../../functions/features/networks/remove-unused.ts';
import { verifySite } from '../../../../functions/features/networks/verify-site.ts';
import type { Poll } from '../../../../functions/features/poller/poll.ts';
import { pollSite } from '../../../../functions/features/poller/poll-site.ts';
import { watchSites } from '../../../../functions/features/poller/watch.ts';
import type { FleetSpec, GroupType, NodeGroup } from '../../../../functions/model/fleet.ts';
import { connectionKey, instanceId, parseInstanceId } from '../../../../functions/model/identifiers.ts';
import type { LimitOverride } from '../../../../functions/model/limit-profile.ts';
import { isClosed } from '../../../../functions/model/status.ts';
import { readHolders } from '../../../../functions/platform/governor/hold-location.ts';
import { siteStateSchema } from '../../../../functions/platform/governor/site-state.ts';
import { layOut, type Placement } from '../../../../functions/platform/placement/lay-out.ts';
import type { FleetItem } from '../../../../functions/platform/store/fleets.ts';
import {
  type InstanceItem,
  readInstanceRange,
  readInstances,
} from '../../../../functions/platform/store/instances.ts';
import {
  awaitKey,
  fleetKey,
  instanceKey,
  networkKey,
  siteName,
  specKey,
} from '../../../../functions/platform/store/keys.ts';
import type { Loop } from '../../../../functions/platform/store/loops.ts';
import { startLoop, takePoll } from '../../../../functions/platform/store/loops.ts';
import {
  endPlacement,
  openPlacement,
  type PlacementItem,
  pausePlacement,
  readPlacement,
} from '../../../../functions/platform/store/placements.ts';
import {
  ACK,
  type MessageResult,
  type OpenConnection,
  type WorkerContext,
} from '../../../../functions/platform/worker/context.ts';
import { makeContext } from '../../../../functions/platform/worker/make-context.ts';
import type {
  AwaitLaunchesMessage,
  DriverMessage,
  GiveUpMessage,
  LaunchMessage,
  PollMessage,
} from '../../../../functions/platform/workflow/messages.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import type { Item } from '../../../chaos/models/dynamo/evaluate.ts';
import { FLEETS_INDEXES, Table } from '../../../chaos/models/dynamo/table.ts';
import { MemoryCloud } from './memory-cloud.ts';

export const NOON = Date.parse('2026-01-01T12:00:00Z');
export const FLEET = 'f1kdvdnc4jyfcbym5';
export const CLOUD = { driver: 'sim', namespace: 'default', name: 'cloud' } as const;
export const CONNECTION = connectionKey(CLOUD);
export const EAST = { connectionKey: CONNECTION, location: 'east' };
export const WEST = { connectionKey: CONNECTION, location: 'west' };
/** Returns a zone of a location, with the network's subnet in it. */
const zoneAt = (location: string, letter: string) => ({
  zone: `${location}-${letter}`,
  subnetBackendId: `subnet-${location}-${letter}`,
});
export const idOf = (index: number): string => instanceId({ fleetId: FLEET, index });

const TABLES = {
  fleets: 'fleets',
  governor: 'governor',
  access: 'access',
  catalogue: 'catalogue',
  history: 'history',
  audit: 'audit',
};
/** Token of the workflow step that waits for the fleet's launches. */
export const AWAIT = 'await';
const TIME_LIMIT_MS = 20_000;
/** Time after which the queue delivers an unacknowledged message again, in ms. */
const VISIBILITY_MS = 30_000;
const MINUTE_MS = 60_000;

/** Returns a launch message for one position, as workers send it. */
export const launchOf = (index: number, changes: Partial<LaunchMessage> = {}): LaunchMessage => ({
  kind: 'launch',
  fleetId: FLEET,
  index,
  round: 1,
  ...EAST,
  ...changes,
});
/** Returns the message that gives up the launch of a position. */
export const giveUpOf = (index: number, changes: Partial<GiveUpMessage> = {}): GiveUpMessage => ({
  kind: 'give-up',
  fleetId: FLEET,
  index,
  round: 1,
  ...EAST,
  code: 'Timeout',
  ...changes,
});

/** Returns the message of the workflow step that waits for the fleet's launches. */
export const awaitOf = (changes: Partial<AwaitLaunchesMessage> = {}): AwaitLaunchesMessage => ({
  kind: 'await-launches',
  fleetId: FLEET,
  connectionKey: CONNECTION,
  execution: 1,
  taskToken: AWAIT,
  checks: 0,
  quiet: [],
  ...changes,
});

export interface OneFleetOptions {
  size?: number;
  locations?: string[];
  /** Letters of the zones of each location. Omit it for a cloud that chooses the zones. */
  zones?: readonly string[];
  /** Instance types in the order of trial. Absent: m6i.large only. */
  types?: readonly (Partial<GroupType> & { name: string })[];
  /** Further fields of the node group. */
  group?: Partial<NodeGroup>;
  limits?: LimitOverride;
  failurePolicy?: FleetItem['failurePolicy'];
}

/**
 * An interruption of a worker before one of its steps. The worker dies, or waits until `does` has ended.
 *
 * `at` is the number of the step, from 1, or a pattern for the step's description. The description of a step is one
 * of: `table` and the command; `send`, `succeed`, `fail` or `heartbeat` and the arguments; a cloud call such as
 * `create <launch token>`; `answer to <cloud call>` for the step before the answer arrives.
 */
interface Interruption {
  at: number | RegExp;
  does: 'die' | (() => Promise<unknown>);
}

/** A worker process. Its steps are its calls to tables, cloud, queue and workflow. */
export interface Worker {
  context: WorkerContext;
  steps: number;
  isDead: boolean;
  /** Resolves when the worker dies. */
  death: Promise<void>;
}

interface Queued {
  message: DriverMessage;
  delayMs: number;
  dueMs: number;
  mark: DeliveryMark & { sentAtMs: number };
}

/** Runs workers for one fleet with one connection, over fakes of tables, queue, workflow and cloud. */
export class OneFleet {
  nowMs = NOON;
  readonly cloud = new MemoryCloud(
    () => this.nowMs,
    (call) => this.history.push(call),
  );
  /** Draws a random number from [0, 1). A test replaces this function. */
  draw: () => number = () => 0.5;
  /** Settings of the deployment. A test changes them. */
  readonly sharedNetworks = { graceMs: 0, pool: '10.0.0.0/8' };
  /** Messages in the queue. */
  queue: Queued[] = [];
  /** Outcomes of completed tasks, by task token. */
  readonly outcomes = new Map<string, unknown>();
  /** Errors of failed tasks, by task token. */
  readonly failures = new Map<string, string>();
  /** Task tokens for which no workflow step is waiting. */
  readonly spent = new Set<string>();
  readonly heartbeats: string[] = [];
  /** Changes of records and slots, sent messages, completed tasks and cloud calls, in order. */
  readonly history: string[] = [];
  /** A worker that is never interrupted. */
  readonly worker: Worker;
  readonly spec: FleetSpec;
  readonly store: WorkerContext['store'];
  readonly #loans = new ClientLoans();
  readonly #dynamo: Dynamo;
  readonly #tables: Readonly<Record<keyof typeof TABLES, Table>>;
  readonly #clock = { now: () => this.nowMs, sleep: (ms: number) => this.#sleep(ms) };
  #sleepers: { atMs: number; wake: () => void }[] = [];
  #runs = 0;
  #sent = 0;

  private constructor({ size = 1, locations = ['east'], limits, types, group }: OneFleetOptions) {
    this.#tables = {
      fleets: new Table('fleets', FLEETS_INDEXES),
      governor: new Table('governor'),
      access: new Table('access'),
      catalogue: new Table('catalogue'),
      history: new Table('history'),
      audit: new Table('audit'),
    };
    this.#dynamo = new Dynamo(Object.values(this.#tables), {
      now: () => this.nowMs,
      baseLagMs: () => 0,
      indexLagMs: () => 0,
      pageSize: () => 100,
      unprocessed: () => 0,
    });
    const document = this.#loans.lend(async (command, input) => this.#dynamo.perform(command, input));
    this.store = { document, tables: TABLES, clock: this.#clock, random: () => this.draw() };
    this.spec = specOf(size, locations, types, group);
    this.worker = this.makeWorker();
    this.put('access', {
      pk: 'CONNECTIONS#sim',
      sk: 'default/cloud',
      namespace: 'default',
      name: 'cloud',
      id: 'c1kdvdnc4jyfcbym5',
      driver: 'sim',
      cloud: 'aws',
      status: 'Ready',
      credentialVersion: 1,
      createdAt: new Date(NOON).toISOString(),
      ...(limits ? { limits } : {}),
    });
  }

  /**
   * Opens a fleet whose launching is on and which has network resources at each location. A workflow step waits for its
   * launches with the token `await`.
   */
  static async open(options: OneFleetOptions = {}): Promise<OneFleet> {
    const fleet = new OneFleet(options);
    fleet.put('fleets', { ...specKey(FLEET), ...fleet.spec });
    fleet.put('fleets', { ...fleetKey(FLEET), ...itemOf(fleet.spec, options.failurePolicy) });
    fleet.put('fleets', {
      ...awaitKey(FLEET, CONNECTION),
      fleetId: FLEET,
      connectionKey: CONNECTION,
      execution: 1,
      taskToken: AWAIT,
    });
    for (const placement of layOut(fleet.spec)) {
      const { connectionKey, location } = placement;
      await openPlacement(fleet.store, FLEET, placement, 1);
      for (const item of networksAt({ connectionKey, location }, options.zones))
        fleet.put('fleets', { ...networkKey(FLEET, connectionKey, location, item.kind, item.name), ...item });
    }
    fleet.#tables.fleets.onWrite = (before, after) => fleet.#noteRecord(before, after);
    fleet.#tables.governor.onWrite = (before, after) => fleet.#noteSlots(before, after);
    return fleet;
  }

  put(table: keyof typeof TABLES, item: Item & { pk: string; sk: string }): void {
    this.#tables[table].put(item.pk, item.sk, item, this.#lags());
  }

  /** Returns all items of a table. */
  items(table: keyof typeof TABLES): Item[] {
    return this.#tables[table].all();
  }

  /** Writes a record and its entry in the site's index. Does not change the placement's counters. */
  putRecord(record: InstanceItem): void {
    const { connectionKey, location, instanceId, status } = record;
    const isListed = !isClosed(status) && status !== 'Planned';
    const entry = isListed ? { sitePk: siteName(connectionKey, location), siteSk: instanceId } : {};
    this.put('fleets', { ...instanceKey(record), ...record, ...entry });
  }

  #lags() {
    return { nowMs: this.nowMs, baseAtMs: this.nowMs, indexAtMs: () => this.nowMs };
  }

  /** Removes the records of the fleet's network resources at a location. */
  removeNetworks(location: string): void {
    const site = { connectionKey: CONNECTION, location };
    for (const { kind, name } of networksAt(site)) {
      const { pk, sk } = networkKey(FLEET, CONNECTION, location, kind, name);
      this.#tables.fleets.put(pk, sk, undefined, this.#lags());
    }
  }

  end(): void {
    this.#loans.takeBack();
  }

  makeWorker(interruption?: Interruption): Worker {
    const { promise: death, resolve } = Promise.withResolvers<void>();
    const worker = { steps: 0, isDead: false, death };
    let isInterrupted = false;
    const isNow = (what: string) =>
      typeof interruption?.at === 'number' ? interruption.at === worker.steps : interruption?.at.test(what);
    const pass = async (what: string): Promise<void> => {
      worker.steps += 1;
      if (interruption && !isInterrupted && isNow(what)) {
        isInterrupted = true;
        if (interruption.does === 'die') worker.isDead = true;
        else await interruption.does();
      }
      if (!worker.isDead) return;
      resolve();
      await new Promise(() => {});
    };
    const step =
      <Args extends unknown[], Answer>(name: string, work: (...args: Args) => Answer) =>
      async (...args: Args): Promise<Answer> => {
        await pass(`${name} ${JSON.stringify(args)}`);
        return work(...args);
      };
    const perform = step('table', (command: string, input: unknown) => this.#dynamo.perform(command, input));
    const context = makeContext({
      store: { ...this.store, document: this.#loans.lend(perform) },
      driver: this.cloud.driverOf(pass),
      writerId: 'test-writer',
      outside: { read: () => Promise.resolve(undefined) },
      readDeploymentId: () => Promise.resolve('test'),
      timeLimitMs: TIME_LIMIT_MS,
      sharedNetworks: this.sharedNetworks,
      readCredential: () => Promise.resolve({ account: 'test' }),
      send: step('send', (message: DriverMessage, delayMs: number) => this.send(message, delayMs)),
      hide: () => Promise.resolve(),
      tasks: {
        succeed: step('succeed', (token: string, output: Record<string, unknown>) =>
          this.#complete(token, output),
        ),
        fail: step('fail', (token: string, error: string) => void this.failures.set(token, error)),
        heartbeat: step('heartbeat', (token: string) => {
          this.heartbeats.push(token);
          return !this.outcomes.has(token) && !this.spent.has(token);
        }),
      },
      publish: () => Promise.resolve(),
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    return Object.assign(worker, { context });
  }

  /**
   * Runs work of a worker. The clock moves only when the work sleeps.
   *
   * @returns `died` if the worker died during the work
   */
  async run<Result>(worker: Worker, work: () => Promise<Result>): Promise<Result | 'died'> {
    worker.context.invocation.endsAtMs = this.nowMs + TIME_LIMIT_MS;
    let isOver = false;
    const over = Promise.race([work(), worker.death.then(() => 'died' as const)]).finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    this.#runs += 1;
    try {
      for (let turn = 0; !isOver; turn += 1) {
        if (turn > 10_000) throw new Error('the work did not end within 10000 turns');
        await new Promise((resolve) => setImmediate(resolve));
        if (!isOver) this.#wakeNext();
      }
      return await over;
    } finally {
      this.#runs -= 1;
      if (this.#runs === 0) this.#sleepers = [];
    }
  }

  /** Makes a worker handle a message, as the dispatcher does. */
  async handle(
    message: DriverMessage,
    worker: Worker = this.worker,
    delivery?: DeliveryMark,
  ): Promise<MessageResult | 'died'> {
    return await this.run(worker, () => handleOne(worker.context, message, delivery));
  }

  send(message: DriverMessage, delayMs: number): void {
    this.history.push(`send ${message.kind}${'index' in message ? ` ${message.index}` : ''}`);
    this.#sent += 1;
    const waitMs = Math.ceil(Math.max(0, delayMs) / 1_000) * 1_000;
    const mark = { messageId: `message-${this.#sent}`, receives: 0, sentAtMs: this.nowMs };
    this.queue.push({ message, delayMs, dueMs: this.nowMs + waitMs, mark });
  }

  /**
   * Moves the clock to the time of the next message and delivers the message. If the worker dies, the message stays
   * in the queue and is delivered again later.
   */
  async deliverNext(worker: Worker = this.worker): Promise<void> {
    const [next] = this.queue.toSorted((one, other) => one.dueMs - other.dueMs);
    if (!next) throw new Error('the queue is empty');
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    const { message, mark } = next;
    mark.receives += 1;
    mark.firstReceivedAtMs ??= this.nowMs;
    next.dueMs = this.nowMs + VISIBILITY_MS;
    const result = await this.handle(message, worker, { ...mark });
    if (result === 'died') return;
    this.queue = this.queue.filter((one) => one !== next);
    if (!result.done) this.send(result.as ?? message, result.waitMs);
  }

  /** Delivers messages until the condition is true. Runs `watchSites` each minute, to restart lost poll loops. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    let watchedAtMs = this.nowMs;
    for (let turn = 0; !(await condition()); turn += 1) {
      if (turn > 300)
        throw new Error(`the condition is false after 300 turns; history: ${this.history.join(', ')}`);
      const dueMs = Math.min(...this.queue.map((one) => one.dueMs));
      if (dueMs <= watchedAtMs + MINUTE_MS) await this.deliverNext();
      else {
        watchedAtMs += MINUTE_MS;
        this.nowMs = Math.max(this.nowMs, watchedAtMs);
        await watchSites(this.store, ['sim'], async (_driver, polls) => {
          for (const poll of polls) this.send(poll, 0);
        });
      }
    }
  }

  /** Claims the next poll of a site's poll loop, as a worker does when it gets the poll message. */
  async takeLoop({ connectionKey, location } = EAST): Promise<Loop> {
    const ref = { driver: 'sim', connectionKey, location };
    const generation = await this.#presentGeneration(ref);
    const loop = await takePoll(this.store, ref, generation);
    if (!loop) throw new Error('another worker has already claimed the poll');
    return loop;
  }

  /** Claims the next poll of a site for a worker. @returns the poll, with the worker's context and the connection */
  async takePoll(worker: Worker = this.worker, site = EAST): Promise<Poll> {
    const loop = await this.takeLoop(site);
    return { context: worker.context, site, opened: await worker.context.open(CONNECTION), loop };
  }

  /** Polls a site now. Removes the poll messages of the site from the queue first. */
  async poll(site = EAST, worker: Worker = this.worker): Promise<void> {
    const generation = await this.#presentGeneration({ driver: 'sim', ...site });
    this.queue = this.queue.filter(
      ({ message }) => message.kind !== 'poll' || message.location !== site.location,
    );
    const message: PollMessage = { kind: 'poll', ...site, generation };
    await this.run(worker, () => pollSite(worker.context, message));
  }

  async #presentGeneration(ref: { driver: string; connectionKey: string; location: string }) {
    const item = this.#tables.governor.get(`LOOP#${ref.driver}`, `${ref.connectionKey}#${ref.location}`);
    if (item?.['active'] === true) return Number(item['generation']);
    const started = await startLoop(this.store, ref, this.nowMs, Number(item?.['emptyPolls'] ?? 0));
    if (started === undefined) throw new Error('the loop was started by another worker');
    return started;
  }

  async record(index = 0): Promise<InstanceItem | undefined> {
    return (await readInstances(this.store, [{ fleetId: FLEET, index }])).get(idOf(index));
  }

  /** Returns the outcomes of all launches that have one, in the order of the positions. */
  async launchOutcomes(): Promise<string[]> {
    const { size = 0 } = this.spec.nodeGroups[0] ?? {};
    const records = await readInstanceRange(this.store, FLEET, 0, size - 1);
    return records.flatMap((record) => outcomeOf(record) ?? []);
  }

  /** Returns a record. @throws Error if the position has no record */
  async claimed(index = 0): Promise<InstanceItem> {
    const record = await this.record(index);
    if (!record) throw new Error(`position ${index} has no record`);
    return record;
  }

  /** Pauses or ends launching at a location. */
  async stopLaunching(how: 'paused' | 'ended', location = 'east'): Promise<void> {
    const placement = this.#laidOut(location);
    if (how === 'ended') await endPlacement(this.store, FLEET, placement);
    else await pausePlacement(this.store, FLEET, placement, (await this.placement(location)).round);
  }

  /** Turns launching on at a location, for a round. */
  async startRound(round: number, location = 'east'): Promise<void> {
    await openPlacement(this.store, FLEET, this.#laidOut(location), round);
  }

  #laidOut(location: string): Placement {
    const placement = layOut(this.spec).find((one) => one.location === location);
    if (!placement) throw new Error(`the fleet has no placement at ${location}`);
    return placement;
  }

  async placement(location = 'east'): Promise<PlacementItem> {
    const placement = await readPlacement(this.store, FLEET, CONNECTION, location);
    if (!placement) throw new Error(`the fleet has no placement at ${location}`);
    return placement;
  }

  /** Returns a placement's number of instances in each status. Leaves out zeros. */
  async counts(location = 'east'): Promise<Record<string, number>> {
    const { counts } = await this.placement(location);
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  }

  /** Returns the positions of the instances that hold a slot at a location. */
  async holders(location = 'east'): Promise<number[]> {
    const ids = Object.keys(await readHolders(this.store, { connectionKey: CONNECTION, location }));
    return ids.map((id) => parseInstanceId(id)?.index ?? -1).sort();
  }

  async opened(): Promise<OpenConnection> {
    return await this.worker.context.open(CONNECTION);
  }

  /** Returns the messages of a kind that are in the queue. */
  sent<Kind extends DriverMessage['kind']>(kind: Kind): Extract<DriverMessage, { kind: Kind }>[] {
    return this.queue.flatMap(({ message }) => (isKind(message, kind) ? [message] : []));
  }

  #complete(token: string, { outcome }: Record<string, unknown>): void {
    if (this.outcomes.has(token) || this.spent.has(token)) return;
    this.outcomes.set(token, outcome);
    this.history.push(`task ${token} ${String(outcome)}`);
  }

  #noteRecord(before: Item | undefined, after: Item | undefined): void {
    if (after?.['instanceId'] === undefined || !String(after['pk']).startsWith('INST#')) return;
    const stateOf = (item: Item | undefined) => `${item?.['status']} ${item?.['launchState']}`;
    if (stateOf(before) !== stateOf(after)) this.history.push(`record ${after['index']} ${stateOf(after)}`);
  }

  #noteSlots(before: Item | undefined, after: Item | undefined): void {
    if (after?.['holders'] === undefined || after['sk'] !== 'create') return;
    const held = (item: Item | undefined) => Object.keys(item ? siteStateSchema.parse(item).holders : {});
    const [had, has] = [held(before), held(after)];
    const indexOf = (id: string) => parseInstanceId(id)?.index;
    for (const id of had) if (!has.includes(id)) this.history.push(`slot ${indexOf(id)} returned`);
    for (const id of has) if (!had.includes(id)) this.history.push(`slot ${indexOf(id)} taken`);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ atMs: this.nowMs + ms, wake });
    });
  }

  #wakeNext(): void {
    const [next] = this.#sleepers.sort((one, other) => one.atMs - other.atMs);
    if (!next) return;
    this.#sleepers.shift();
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.wake();
  }
}

function isKind<Kind extends DriverMessage['kind']>(
  message: DriverMessage,
  kind: Kind,
): message is Extract<DriverMessage, { kind: Kind }> {
  return message.kind === kind;
}

async function handleOne(
  context: WorkerContext,
  message: DriverMessage,
  delivery: DeliveryMark | undefined,
): Promise<MessageResult> {
  switch (message.kind) {
    case 'launch': {
      const { connectionKey, location } = message;
      const site = { connectionKey, location };
      const [result = ACK] = await launchInstances(context, site, [{ message, delivery }]);
      return result;
    }
    case 'give-up':
      return await giveUp(context, message);
    case 'await-launches':
      return await checkAwait(context, message);
    case 'poll':
      await pollSite(context, message);
      return ACK;
    case 'verify-site':
      return await verifySite(context, message);
    case 'prepare-networks':
      return await prepareNetworks(context, message);
    case 'remove-networks':
      return await removeNetworks(context, message);
    case 'remove-unused':
      return await handleUnused(context, message);
    default:
      return ACK;
  }
}

function specOf(
  size: number,
  locations: string[],
  types?: OneFleetOptions['types'],
  fields: Partial<NodeGroup> = {},
): FleetSpec {
  const pricesUsdPerHour = Object.fromEntries(locations.map((location) => [location, 0.1]));
  const group: NodeGroup = {
    name: 'web',
    size,
    connection: 'cloud',
    driver: 'sim',
    cloud: 'aws',
    locations,
    instanceType: 'm6i.large',
    image: 'ubuntu',
    labels: {},
    imageBackendIds: Object.fromEntries(locations.map((location) => [location, 'image-1'])),
    pricesUsdPerHour,
    vcpus: 2,
    gpus: 0,
    memoryGb: 8,
    ...(types
      ? { types: types.map((type) => ({ vcpus: 2, gpus: 0, memoryGb: 8, pricesUsdPerHour, ...type })) }
      : {}),
    ...fields,
  };
  return { fleetId: FLEET, namespace: 'default', name: 'shop', nodeGroups: [group] };
}

function itemOf(
  { nodeGroups }: FleetSpec,
  failurePolicy: FleetItem['failurePolicy'] = 'continue',
): FleetItem {
  return {
    fleetId: FLEET,
    namespace: 'default',
    name: 'shop',
    labels: {},
    status: 'Creating',
    failurePolicy,
    requested: nodeGroups.reduce((sum, { size }) => sum + size, 0),
    connections: ['cloud'],
    sshPublicKey: 'ssh-ed25519 AAAA',
    round: 1,
    work: 'provision',
    execution: 1,
    workSinceMs: NOON,
    interruptions: 0,
    createdAt: new Date(NOON).toISOString(),
  };
}

function networksAt(site: typeof EAST, letters?: readonly string[]) {
  const zones = letters?.map((letter) => zoneAt(site.location, letter));
  const item = (kind: 'network' | 'key-pair' | 'security-group', name: string) => ({
    fleetId: FLEET,
    ...site,
    kind,
    name,
    status: 'Ready',
    failingSinceMs: 0,
    claimUntilMs: 0,
    backendId: `${kind}-1`,
    neededBy: ['web'],
    checkedAtMs: NOON,
  });
  return [
    { ...item('network', networkName(FLEET, site)), ...(zones ? { zones } : {}) },
    item('key-pair', keyPairName(FLEET, site)),
    item('security-group', securityGroupName(FLEET, site, [])),
  ];
}
