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

/** Time limit of a list. It is long, because CB-Spider reads each machine from the cloud, one after the other. */
const LIST_TIMEOUT_MS = 24_000;
/** Time limit of the list of all machines in a method that also sends other requests. */
const LOOK_UP_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 6_000;

/** Reads machines from CB-Spider. No single call of CB-Spider reports all machines. */
export class MachineReader {
  readonly #transport: SpiderTransport;
  readonly #deploymentId: string;
  readonly #lockedMs: number;
  /** Names that CB-Spider knew at an earlier read, as `<connection config>/<name>`. */
  readonly #known = new Set<string>();
  /**
   * Names of machines that CB-Spider knew when it accepted their removal, as `<connection config>/<name>`. CB-Spider
   * deletes a machine before the machine's name. Therefore, if CB-Spider no longer knows one of these names, the
   * machine no longer exists. For any other unknown name, CB-Spider may have crashed during a start, and only the list
   * of the cloud's machines shows whether a machine exists.
   */
  readonly #going = new Set<string>();

  /**
   * @param lockedMs time in ms; if a read of one machine has no answer after this time, the reader assumes that another
   * call has locked the machine
   */
  constructor(transport: SpiderTransport, deploymentId: string, lockedMs: number) {
    this.#transport = transport;
    this.#deploymentId = deploymentId;
    this.#lockedMs = lockedMs;
  }

  /**
   * Lists machines. Statuses come from CB-Spider's list of names, addresses from the cloud's list. Includes machines of
   * this deployment that only the cloud's list has: CB-Spider is still starting such a machine, or crashed while
   * starting it, or the machine is a copy.
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
    // These names are missing from the statuses, because CB-Spider stored or deleted the names between the two reads.
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

  /**
   * Reads one machine by name. Undefined proves that the machine does not exist, if the cloud's own lists are up to
   * date.
   */
  async find(site: SpiderSite, name: string): Promise<CloudInstance | undefined> {
    const answer = await this.#query(site, name);
    return 'found' in answer ? answer.found : undefined;
  }

  /** Reads one machine. @throws DriverError NotFound */
  async get(site: SpiderSite, backendId: string): Promise<CloudInstance> {
    if (systemIdOfStray(backendId) === undefined) {
      const answer = await this.#query(site, backendId);
      if ('found' in answer && answer.found) return answer.found;
      if ('missing' in answer) throw answer.missing;
    } else {
      const found = (await this.list(site)).find((one) => one.backendId === backendId);
      if (found) return found;
    }
    throw new DriverError('NotFound', `this deployment has no machine ${backendId} at ${site.location}`);
  }

  /**
   * Reads one machine by name. CB-Spider answers the read (`GET /vm`) only after a call that starts or removes the
   * machine has ended. If CB-Spider does not know the name and does not answer the read in time, the machine is being
   * started. If CB-Spider answers that it does not know the name, a failed start may have left a machine of this name
   * at the cloud.
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
      // CB-Spider stored the name after the status was read.
      const now = await this.#status(site, name);
      return 'status' in now ? { found: this.#machine(name, now.status, read) } : now;
    }
    const [leftover] = await this.#unmapped(site, name);
    return leftover ? { found: leftover } : known;
  }

  /** Records that CB-Spider has accepted a removal. @param isDone true if CB-Spider has completed the removal */
  noteGoing({ connectionName }: SpiderSite, name: string, isDone: boolean): void {
    const key = `${connectionName}/${name}`;
    if (!isDone && !this.#known.has(key)) return;
    this.#going.add(key);
  }

  /**
   * Finds machines that have this name at the cloud, but not in CB-Spider. The first machine gets the name as its
   * backend id.
   */
  async #unmapped(site: SpiderSite, name: string): Promise<CloudInstance[]> {
    const { unmapped } = await this.#all(site, LOOK_UP_TIMEOUT_MS);
    return this.#strays(
      new Set(),
      unmapped.filter(({ IId }) => IId.NameId === name),
    );
  }

  /**
   * Returns the machines that have this name at the cloud, but not in CB-Spider: the cloud's ids, oldest machine first.
   * Leaves out machines that are being removed or no longer exist.
   */
  async leftovers(site: SpiderSite, name: string): Promise<{ systemId: string; startedAtMs?: number }[]> {
    const { unmapped } = await this.#all(site, LOOK_UP_TIMEOUT_MS);
    return inOrder(unmapped.filter(({ IId }) => IId.NameId === name))
      .filter((info) => statusOfUnmapped(info) === 'Creating')
      .map((info) => {
        const atMs = startedAtMs(info);
        return { systemId: info.IId.SystemId, ...(atMs === undefined ? {} : { startedAtMs: atMs }) };
      });
  }

  /** Returns the status that CB-Spider reports, or CB-Spider's error if it does not know the name. */
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

  /**
   * Reads addresses and other details. Returns undefined if CB-Spider does not know the machine, or another call has
   * locked it.
   */
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
      // In this list, the mock cloud shows the machines of all its locations. A machine whose location the answer does
      // not state counts as a machine of this location.
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

  /**
   * Converts machines that CB-Spider does not know. The oldest machine of each name gets that name as its backend id,
   * unless `taken` contains the name.
   */
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

/** Sorts machines, the oldest first. A copy of a machine has the same name as the machine, and is younger. */
function inOrder(machines: readonly MachineAnswer[]): MachineAnswer[] {
  return machines.toSorted((one, other) => {
    const byAge = (startedAtMs(one) ?? 0) - (startedAtMs(other) ?? 0);
    return byAge || (one.IId.SystemId < other.IId.SystemId ? -1 : 1);
  });
}

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest] ? Rest : never;
