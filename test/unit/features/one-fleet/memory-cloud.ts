import type { CallGate, CloudCall } from '../../../../functions/drivers/contract/call-gate.ts';
import type { ExistingNetworks, NetworkFault } from '../../../../functions/drivers/contract/capabilities.ts';
import type {
  CloudClient,
  CloudInstance,
  Driver,
  NetworkResourceKind,
} from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { simMetadata } from '../../../../functions/drivers/sim/metadata.ts';
import type { Market } from '../../../../functions/model/market.ts';
import type { InstanceStatus } from '../../../../functions/model/status.ts';

/** A machine of the cloud in memory. */
export interface Machine extends CloudInstance {
  backendId: string;
  location: string;
  market: Market;
  /** The subnet that the create call named. */
  subnetBackendId?: string;
  /** Ids of the network resources that the machine needs. Absent: none. */
  needs?: string[];
  createdAtMs: number;
  /** Time of the first call that asked the cloud to remove the machine. */
  endedAtMs?: number;
  /** Status that the cloud shows instead of the status that follows from the machine's age. */
  stuckAt?: InstanceStatus;
}

/** A network resource of the cloud in memory. */
export interface MemoryResource {
  kind: NetworkResourceKind;
  backendId: string;
  location: string;
  name: string;
  cidr?: string;
  networkBackendId?: string;
}

type NetworkCalls = Pick<
  CloudClient,
  | 'ensureNetwork'
  | 'ensureSecurityGroup'
  | 'ensureKeyPair'
  | 'findNetworkResource'
  | 'listNetworkResources'
  | 'deleteNetwork'
  | 'deleteSecurityGroup'
  | 'deleteKeyPair'
>;

/** Makes one call: asks for its permit, awaits `Passing`, and takes effect. */
type Sending = <Answer>(
  kind: CloudCall['kind'],
  location: string,
  call: string,
  work: () => Answer,
) => Promise<Answer>;

/** Function that a cloud call awaits before the call takes effect, and again before the call's answer. */
export type Passing = (what: string) => Promise<void>;

const REMOVAL_MS = 2_000;
const unplayed = (): Promise<never> => Promise.reject(new Error('the cloud in memory has no such call'));

/** A cloud in memory that does not honour launch tokens. Each create call that reaches the cloud makes a machine. */
export class MemoryCloud {
  readonly #now: () => number;
  readonly #note: (call: string) => void;
  /** All machines that were ever made, in order of creation. */
  readonly made: Machine[] = [];
  /** The network resources that exist, in order of creation. */
  resources: MemoryResource[] = [];
  /** Number of network resources that were ever made. */
  resourcesMade = 0;
  /** Time from a machine's creation until the machine runs, in ms. */
  bootMs = 10_000;
  /** Called before a cloud call takes effect. A test replaces this function to throw the error of a refused call. */
  meet: (call: string) => void = () => {};
  /** Called after a cloud call took effect. A test replaces this function to throw the error of a lost answer. */
  reply: (call: string) => void = () => {};
  /**
   * Number of further machines for which there is room, by zone, by instance type, by both (`east-a m6i.large`), or by
   * market, alone (`spot`) or before any of these (`spot m6i.large`). What is absent is never full.
   */
  readonly room = new Map<string, number>();
  /** Backend ids of machines that lists leave out. */
  readonly hidden = new Set<string>();

  /** @param note called with each call that reaches the cloud, such as `create <launch token>` or `list east` */
  constructor(now: () => number, note: (call: string) => void) {
    this.#now = now;
    this.#note = note;
  }

  /** Returns the machines that exist, in order of creation. */
  get standing(): Machine[] {
    return this.made.filter((one) => !this.#isGone(one));
  }

  /** Makes the cloud show a machine as Failed, with this reason. */
  break(machine: Machine | undefined, failureMessage: string): void {
    if (machine) Object.assign(machine, { stuckAt: 'Failed', failureMessage });
  }

  /** Takes a spot machine back, with this reason. The cloud shows the machine by its id also after its end. */
  interrupt(machine: Machine | undefined, failureMessage: string): void {
    if (machine) Object.assign(machine, { endedAtMs: this.#now(), isInterrupted: true, failureMessage });
  }

  /** Removes a machine although no call asked the cloud to remove it. */
  vanish(machine: Machine | undefined): void {
    if (machine) machine.endedAtMs = Number.NEGATIVE_INFINITY;
  }

  driverOf(pass: Passing): Driver {
    return { ...simMetadata, capabilities: [], connect: ({ calls }) => this.#client(calls, pass) };
  }

  /** What is wrong with existing networks, by location. Set it before a worker is made: the cloud can verify them then. */
  networkFaults: Readonly<Record<string, readonly NetworkFault[]>> | undefined;

  #isGone({ endedAtMs }: Machine): boolean {
    return endedAtMs !== undefined && endedAtMs + REMOVAL_MS <= this.#now();
  }

  #statusOf(machine: Machine): InstanceStatus {
    const { stuckAt, endedAtMs, createdAtMs } = machine;
    if (this.#isGone(machine)) return 'Terminated';
    if (endedAtMs !== undefined) return 'Terminating';
    return stuckAt ?? (createdAtMs + this.bootMs <= this.#now() ? 'Running' : 'Creating');
  }

  #shown(machine: Machine): CloudInstance {
    const {
      endedAtMs: _ended,
      stuckAt: _stuck,
      location: _location,
      market: _market,
      subnetBackendId: _subnet,
      needs: _needs,
      ...shown
    } = machine;
    return { ...shown, status: this.#statusOf(machine) };
  }

  /** Returns the calls for network resources. A resource that another one or a machine needs is not deleted. */
  #networkCalls(at: Sending): NetworkCalls {
    const ensure = (location: string, made: Omit<MemoryResource, 'backendId' | 'location'>) =>
      at('mutate', location, `ensure ${made.kind} ${made.name}`, () => {
        const known = this.resources.find(
          (one) => one.kind === made.kind && one.name === made.name && one.location === location,
        );
        if (known) return { backendId: known.backendId };
        this.resourcesMade += 1;
        const backendId = `${made.kind}-${this.resourcesMade}`;
        this.resources.push({ ...made, backendId, location });
        return { backendId };
      });
    const remove = (location: string, kind: NetworkResourceKind, backendId: string) =>
      at('mutate', location, `delete ${kind} ${backendId}`, () => {
        const user =
          this.resources.find((one) => one.networkBackendId === backendId) ??
          this.standing.find((one) => one.needs?.includes(backendId));
        if (user) throw new DriverError('Conflict', `${backendId} is used by ${user.backendId}`);
        this.resources = this.resources.filter((one) => one.backendId !== backendId);
      });
    const list = (location: string, kind: NetworkResourceKind) =>
      this.resources.filter((one) => one.location === location && one.kind === kind);
    return {
      ensureNetwork: ({ location, name, cidr }) => ensure(location, { kind: 'network', name, cidr }),
      ensureSecurityGroup: ({ location, name, networkBackendId }) =>
        ensure(location, { kind: 'security-group', name, networkBackendId }),
      ensureKeyPair: ({ location, name }) => ensure(location, { kind: 'key-pair', name }),
      findNetworkResource: (location, kind, name) =>
        at(
          'list',
          location,
          `find ${kind} ${name}`,
          () => list(location, kind).find((one) => one.name === name)?.backendId,
        ),
      listNetworkResources: (location, kind) =>
        at('list', location, `list ${kind}`, () =>
          list(location, kind).map(({ backendId, name }) => ({ kind, backendId, name })),
        ),
      deleteNetwork: (location, backendId) => remove(location, 'network', backendId),
      deleteSecurityGroup: (location, backendId) => remove(location, 'security-group', backendId),
      deleteKeyPair: (location, backendId) => remove(location, 'key-pair', backendId),
    };
  }

  #verification(at: Sending): Partial<ExistingNetworks> {
    const { networkFaults } = this;
    if (!networkFaults) return {};
    return {
      verifyNetwork: (location) =>
        at('list', location, `verify ${location}`, () => [...(networkFaults[location] ?? [])]),
    };
  }

  #client(calls: CallGate, pass: Passing): CloudClient {
    const at: Sending = <Answer>(
      kind: CloudCall['kind'],
      location: string,
      call: string,
      work: () => Answer,
    ) =>
      calls.send({ action: `memory:${call}`, kind, location }, async (permit): Promise<Answer> => {
        permit.use();
        await pass(call);
        this.#note(call);
        this.meet(call);
        const answer = work();
        await pass(`answer to ${call}`);
        this.reply(call);
        return answer;
      });
    const here = (location: string) => this.standing.filter((one) => one.location === location);
    const find = (location: string, backendId: string) =>
      here(location).find((one) => one.backendId === backendId);
    return {
      ...this.#verification(at),
      createInstance: ({ location, instanceId, launchToken, zone, subnetBackendId, instanceType, ...spec }) =>
        at('create', location, `create ${launchToken}`, () => {
          const { market = 'on-demand' } = spec;
          const ofAll = [zone ?? '', instanceType, `${zone} ${instanceType}`];
          const places = [...ofAll, market, ...ofAll.map((place) => `${market} ${place}`)];
          const limited = places.filter((place) => this.room.has(place));
          for (const place of limited) {
            if ((this.room.get(place) ?? 0) < 1)
              throw new DriverError('InsufficientCapacity', `${place} has no room`);
          }
          for (const place of limited) this.room.set(place, (this.room.get(place) ?? 0) - 1);
          const backendId = `m${this.made.length + 1}`;
          const machine: Machine = {
            backendId,
            instanceId,
            launchToken,
            location,
            instanceType,
            market,
            ...(zone === undefined ? {} : { zone }),
            ...(subnetBackendId === undefined ? {} : { subnetBackendId }),
            status: 'Creating',
            createdAtMs: this.#now(),
          };
          this.made.push(machine);
          return this.#shown(machine);
        }),
      listInstances: (location) =>
        at('list', location, `list ${location}`, () =>
          here(location)
            .filter(({ backendId }) => !this.hidden.has(backendId))
            .map((one) => this.#shown(one)),
        ),
      getInstance: (location, backendId) =>
        at('list', location, `get ${backendId}`, () => {
          const ended = this.made.find((one) => one.backendId === backendId && one.isInterrupted);
          const machine = find(location, backendId) ?? ended;
          if (!machine) throw new DriverError('NotFound', `no machine ${backendId}`);
          return this.#shown(machine);
        }),
      findInstanceByToken: (location, launchToken) =>
        at('list', location, `find ${launchToken}`, () => {
          const machine = here(location).find((one) => one.launchToken === launchToken);
          return machine && this.#shown(machine);
        }),
      terminateInstance: (location, backendId) =>
        at('mutate', location, `terminate ${backendId}`, () => {
          const machine = find(location, backendId);
          if (machine) machine.endedAtMs ??= this.#now();
        }),
      verifyCredential: unplayed,
      listLocations: unplayed,
      listOffers: unplayed,
      listImages: unplayed,
      ...this.#networkCalls(at),
    };
  }
}
