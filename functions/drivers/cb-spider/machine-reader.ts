import type { InstanceStatus } from '../../model/status.ts';
import type { CloudInstance } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import {
  allMachinesSchema,
  type MachineAnswer,
  machineSchema,
  statusesSchema,
  statusSchema,
} from './answers.ts';
import { isNotFound } from './errors.ts';
import { machineOf, startedAtMs, statusOf, statusOfUnmapped, strayId, systemIdOfStray } from './machines.ts';
import type { SpiderSite } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

/** CB-Spider asks the cloud about each machine, one after the other. */
const LIST_TIMEOUT_MS = 24_000;
/** The same list, where it is one of several calls. */
const LOOK_UP_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 6_000;

/** Reads machines out of CB-Spider, of which no one call tells all that there is. */
export class MachineReader {
  readonly #transport: SpiderTransport;
  readonly #deploymentId: string;
  readonly #lockedMs: number;
  /** By connection config: names that CB-Spider knew. */
  readonly #known = new Set<string>();
  /**
   * Those whose removal it has taken on while it knew them. Once it knows such a name no more, the machine is gone: it
   * forgets a name last. Others may be what it died over, which only the list of the cloud's machines tells.
   */
  readonly #going = new Set<string>();

  /** @param lockedMs after which a reader of one machine that has no answer takes it that somebody works on it */
  constructor(transport: SpiderTransport, deploymentId: string, lockedMs: number) {
    this.#transport = transport;
    this.#deploymentId = deploymentId;
    this.#lockedMs = lockedMs;
  }

  /**
   * Statuses are told of those that CB-Spider has a name for, addresses of those that the cloud shows. What the cloud
   * alone has, under a name of ours, is being started, or CB-Spider died over it.
   */
  async list(site: SpiderSite): Promise<CloudInstance[]> {
    const [{ mapped, unmapped }, statuses] = await Promise.all([
      this.#all(site, LIST_TIMEOUT_MS),
      this.#statuses(site),
    ]);
    const bySystemId = new Map([...mapped, ...unmapped].map((info) => [info.IId.SystemId, info]));
    const known = new Set(statuses.map(({ IId }) => IId.SystemId));
    const named = statuses.map(({ IId, VmStatus }) =>
      this.#machine(IId.NameId, statusOf(VmStatus), bySystemId.get(IId.SystemId)),
    );
    // Named after the statuses were read, or gone before that.
    const late = await Promise.all(
      mapped
        .filter(({ IId }) => !known.has(IId.SystemId))
        .filter(({ IId }) => this.#machine(IId.NameId, 'Creating', undefined))
        .map(async (info) => {
          const now = await this.#status(site, info.IId.NameId);
          return 'status' in now ? this.#machine(info.IId.NameId, now.status, info) : undefined;
        }),
    );
    const found = [...named, ...late].filter((one) => one !== undefined);
    return [
      ...found,
      ...this.#strays(
        new Set(found.map(({ backendId }) => backendId)),
        unmapped.filter(({ IId }) => !known.has(IId.SystemId)),
      ),
    ];
  }

  /** As `get`; undefined proves that there is none, as long as the cloud's own lists do not lag. */
  async find(site: SpiderSite, name: string): Promise<CloudInstance | undefined> {
    const answer = await this.#query(site, name);
    return 'found' in answer ? answer.found : undefined;
  }

  /** @throws DriverError NotFound */
  async get(site: SpiderSite, backendId: string): Promise<CloudInstance> {
    if (systemIdOfStray(backendId) === undefined) {
      const answer = await this.#query(site, backendId);
      if ('found' in answer && answer.found) return answer.found;
      if ('missing' in answer) throw answer.missing;
    } else {
      const found = (await this.list(site)).find((one) => one.backendId === backendId);
      if (found) return found;
    }
    throw new DriverError('NotFound', `there is no machine ${backendId} of ours at ${site.location}`);
  }

  /**
   * Reading one machine waits for whoever starts or removes it. So when CB-Spider has no such name, that tells whether
   * it is being started; and when it is not, what the cloud has of it is a leftover.
   */
  async #query(
    site: SpiderSite,
    name: string,
  ): Promise<{ found: CloudInstance | undefined } | { missing: DriverError }> {
    const known = await this.#status(site, name);
    if ('status' in known) this.#known.add(`${site.connectionName}/${name}`);
    if ('status' in known)
      return { found: this.#machine(name, known.status, await this.#details(site, name)) };
    if (this.#going.has(`${site.connectionName}/${name}`)) return known;
    const read = await this.#read(site, name);
    if (read === 'under-way') return { found: this.#machine(name, 'Creating', undefined) };
    if (read !== undefined) {
      // CB-Spider has come to know it in the meantime.
      const now = await this.#status(site, name);
      return 'status' in now ? { found: this.#machine(name, now.status, read) } : now;
    }
    const [leftover] = await this.#unmapped(site, name);
    return leftover ? { found: leftover } : known;
  }

  /** CB-Spider has taken on the removal of a name. @param isDone whether it has said so, and not only begun */
  noteGoing({ connectionName }: SpiderSite, name: string, isDone: boolean): void {
    const key = `${connectionName}/${name}`;
    if (!isDone && !this.#known.has(key)) return;
    this.#going.add(key);
  }

  /** Machines of this name that the cloud has and CB-Spider has no name for, the first one under its name. */
  async #unmapped(site: SpiderSite, name: string): Promise<CloudInstance[]> {
    const { unmapped } = await this.#all(site, LOOK_UP_TIMEOUT_MS);
    return this.#strays(
      new Set(),
      unmapped.filter(({ IId }) => IId.NameId === name),
    );
  }

  /** The same as the cloud has them, the first one first; without those that are on their way out. */
  async leftovers(site: SpiderSite, name: string): Promise<{ systemId: string; startedAtMs?: number }[]> {
    const { unmapped } = await this.#all(site, LOOK_UP_TIMEOUT_MS);
    return inOrder(unmapped.filter(({ IId }) => IId.NameId === name))
      .filter((info) => statusOfUnmapped(info) === 'Creating')
      .map((info) => {
        const atMs = startedAtMs(info);
        return { systemId: info.IId.SystemId, ...(atMs === undefined ? {} : { startedAtMs: atMs }) };
      });
  }

  /** By CB-Spider's word; or its refusal when it has no such name. */
  async #status(
    { connectionName, location }: SpiderSite,
    name: string,
  ): Promise<{ status: InstanceStatus } | { missing: DriverError }> {
    try {
      const { Status } = await this.#transport.call({
        location,
        method: 'GET',
        path: ['vmstatus', name],
        query: { ConnectionName: connectionName },
        answer: statusSchema,
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      return { status: statusOf(Status) };
    } catch (error) {
      if (isNotFound(error)) return { missing: error };
      throw error;
    }
  }

  /** Addresses and the like are left out when somebody works on the machine. */
  async #details(site: SpiderSite, name: string): Promise<MachineAnswer | undefined> {
    const read = await this.#read(site, name);
    return read === 'under-way' ? undefined : read;
  }

  async #read(
    { connectionName, location }: SpiderSite,
    name: string,
  ): Promise<MachineAnswer | undefined | 'under-way'> {
    try {
      const read = await this.#transport.handOver({
        location,
        method: 'GET',
        path: ['vm', name],
        query: { ConnectionName: connectionName },
        answer: machineSchema,
        timeoutMs: this.#lockedMs,
      });
      return read === 'under-way' ? read : read.answer;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #all({ connectionName, location }: SpiderSite, timeoutMs: number) {
    const { AllListInfo } = await this.#transport.call({
      location,
      method: 'GET',
      path: ['allvminfo'],
      query: { ConnectionName: connectionName },
      answer: allMachinesSchema,
      timeoutMs,
    });
    return {
      mapped: AllListInfo.MappedInfoList,
      // The mock cloud shows those of all its locations here; a location that is not told can only be this one.
      unmapped: AllListInfo.OnlyCSPInfoList.filter(
        ({ Region }) => Region?.Region === undefined || Region.Region === location,
      ),
    };
  }

  async #statuses({ connectionName, location }: SpiderSite) {
    const { vmstatus } = await this.#transport.call({
      location,
      method: 'GET',
      path: ['vmstatus'],
      query: { ConnectionName: connectionName },
      answer: statusesSchema,
      timeoutMs: LIST_TIMEOUT_MS,
    });
    return vmstatus;
  }

  /** The first one of a name is the machine of that name, unless there is one already. */
  #strays(taken: ReadonlySet<string>, unmapped: readonly MachineAnswer[]): CloudInstance[] {
    const names = new Set(taken);
    const alive = unmapped.filter((info) => statusOfUnmapped(info) !== 'Terminated');
    return inOrder(alive).flatMap((info) => {
      const { NameId, SystemId } = info.IId;
      const backendId = names.has(NameId) ? strayId(SystemId) : NameId;
      names.add(NameId);
      return this.#machine(NameId, statusOfUnmapped(info), info, backendId) ?? [];
    });
  }

  #machine(...[name, status, answer, unmappedAs]: Tail<Parameters<typeof machineOf>>) {
    return machineOf(this.#deploymentId, name, status, answer, unmappedAs);
  }
}

/** The oldest first: what has a machine's name and is no leftover of it is a copy, and came later. */
function inOrder(machines: readonly MachineAnswer[]): MachineAnswer[] {
  return machines.toSorted((one, other) => {
    const byAge = (startedAtMs(one) ?? 0) - (startedAtMs(other) ?? 0);
    return byAge || (one.IId.SystemId < other.IId.SystemId ? -1 : 1);
  });
}

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest] ? Rest : never;
