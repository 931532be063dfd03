/** An error answer of OpenStack. Each service has its own form. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: object;

  constructor(status: number, body: object) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** Returns an error in Nova's form: an object under the fault's key, with code and message. */
export function novaFault(key: string, code: number, message: string): Refusal {
  return new Refusal(code, { [key]: { code, message } });
}

export function neutronError(status: number, type: string, message: string): Refusal {
  return new Refusal(status, { NeutronError: { type, message, detail: '' } });
}

export interface Server {
  id: string;
  name: string;
  metadata: Readonly<Record<string, string>>;
  tags: readonly string[];
  flavor: string;
  networkId: string;
  groupId: string;
  reservationId: string;
  createdAtMs: number;
  /** Time at which the server becomes ACTIVE. */
  runsAtMs: number;
  /** True if Nova's conductor has counted the quota again for the server. */
  isRecounted?: boolean;
  /**
   * A status that replaces BUILD and ACTIVE. `ERROR` has a fault. `isListed` is false if lists leave out the fault.
   */
  stuck?: { status: string; fault?: string; isListed?: boolean };
  /** Time at which the server is gone. From the delete request until then, the server is being deleted. */
  goneAtMs?: number;
  address: string;
  /** Time from which answers have addresses, if the server is past BUILD. */
  addressAtMs: number;
  /** The volumes that the server boots from or uses. */
  volumeIds: readonly string[];
  /** The volumes among them that Nova removes with the server. */
  ownVolumeIds: readonly string[];
  /** The floating address, if the server has one. */
  floating?: string;
}

export interface Volume {
  id: string;
  name: string;
  sizeGb: number;
  type?: string;
  metadata: Readonly<Record<string, string>>;
  createdAtMs: number;
  /** Time at which Cinder has copied the image to the volume. */
  availableAtMs: number;
  /** A status that replaces the usual one. */
  stuck?: string;
}

export type ResourceKind = 'networks' | 'subnets' | 'routers' | 'security-groups';

export interface Resource {
  kind: ResourceKind;
  id: string;
  createdAtMs: number;
  /** The body of the request that made the resource. Answers contain it. */
  body: Readonly<Record<string, unknown>>;
}

export interface Port {
  id: string;
  device_owner: string;
  device_id: string;
  network_id: string;
  fixed_ips: { subnet_id: string }[];
  name?: string;
  description?: string;
}

export interface Quota {
  instances?: number;
  ramMb?: number;
  cores?: number;
  volumes?: number;
  /** Time from the acceptance of a server until Nova's API counts it. */
  storedAfterMs?: number;
  /**
   * True if Nova's conductor counts again only when all servers of a race are stored. Each of them is then beyond the
   * quota. Otherwise, only those are that were accepted last.
   */
  isRecountLate?: boolean;
  /** True if lists show no faults, so that only a read of the single server tells that it exceeded the quota. */
  hidesFaults?: boolean;
}

/** The resources of a project in one region. */
export class Project {
  readonly id: string;
  /** The project's quotas. Absent: unlimited. */
  quota: Quota = {};
  readonly servers = new Map<string, Server>();
  readonly resources = new Map<string, Resource>();
  readonly volumes = new Map<string, Volume>();
  readonly keyPairs = new Set<string>();
  /** Maps the id of a server group to its name. */
  readonly serverGroups = new Map<string, string>();
  readonly routerPorts: Port[] = [];
  /** Ports that belong to no server and no router of the project. */
  readonly strayPorts: Port[] = [];
  /** The descriptions of servers' ports that a client has written, by the port's id. */
  readonly portDescriptions = new Map<string, string>();
  #made = 0;

  constructor(id: string) {
    this.id = id;
  }

  newId(): string {
    this.#made += 1;
    const digits = this.#made.toString(16).padStart(12, '0');
    return `0f1e1d00-0000-4000-8000-${digits}`;
  }

  get count(): number {
    return this.#made;
  }

  resourcesOf(kind: ResourceKind): Resource[] {
    return [...this.resources.values()].filter((one) => one.kind === kind);
  }

  /** Returns the server that uses a volume. A server in ERROR has never attached its volumes. */
  userOf({ id }: Pick<Volume, 'id'>, nowMs: number): Server | undefined {
    return this.standing(nowMs).find(
      ({ volumeIds, stuck }) => volumeIds.includes(id) && stuck?.status !== 'ERROR',
    );
  }

  volumeStatus(volume: Volume, nowMs: number): string {
    if (volume.stuck !== undefined) return volume.stuck;
    if (this.userOf(volume, nowMs)) return 'in-use';
    return nowMs >= volume.availableAtMs ? 'available' : 'creating';
  }

  /** Returns the servers that are not gone. */
  standing(nowMs: number): Server[] {
    return [...this.servers.values()].filter(({ goneAtMs }) => goneAtMs === undefined || goneAtMs > nowMs);
  }
}

/** Formats a time as OpenStack does, to the second. */
export const secondsOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
