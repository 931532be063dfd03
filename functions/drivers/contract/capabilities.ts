import type { InstanceType, Offer } from '../../model/cloud.ts';
import type { CloudClient, CloudInstance, InstanceSpec } from './driver.ts';
import type { DriverError } from './errors.ts';
import { CAPABILITY_NAMES, type CapabilityName } from './metadata.ts';

/** Machines can be stopped, keeping disk and id, and started again. */
export interface StopStart {
  /**
   * Asks for it and returns; the machine is `Suspending`, then `Suspended`. Success when it is so already.
   *
   * @throws DriverError NotFound; Conflict before it runs; Unsupported when this very machine cannot be stopped (spot,
   * local disks)
   */
  stopInstance(location: string, backendId: string): Promise<void>;
  /**
   * Asks for it and returns; the machine is `Resuming`, then `Running`, perhaps under another public address. Success
   * when it runs already. A cloud that has no room for it now answers as to a create.
   *
   * @throws DriverError NotFound, InsufficientCapacity, QuotaExceeded; Conflict while it is on its way to a stop
   */
  startInstance(location: string, backendId: string): Promise<void>;
}

export interface Reboot {
  /**
   * Asks for it and returns; the machine may be `Rebooting` for a while, then is `Running`, with the same id and
   * addresses.
   *
   * @throws DriverError NotFound; Conflict while it does not run
   */
  rebootInstance(location: string, backendId: string): Promise<void>;
}

/** What came of one of several instances that were asked for at once. */
export type CreateOutcome = { instance: CloudInstance } | { error: DriverError };

export interface BatchCreate {
  /** The most specs of one call, 2 at least. */
  readonly maxBatchSize: number;
  /**
   * Asks for several instances in one call of the cloud's; the caller has the governor's permit for each of them.
   * The specs are of one fleet, and alike but for `instanceId`, `launchToken` and the tag `fleetwright:instance`.
   * What holds of `createInstance` holds of each: after an outcome with any error but `OutcomeUnknown` it does not
   * exist, and its own launch token, by itself, proves by `findInstanceByToken` what became of it, also when the
   * process died right after the call.
   *
   * @returns one outcome for each spec, in their order. Never rejects with a DriverError: what failed as a whole is
   * the outcome of each.
   */
  createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]>;
}

/** A list can be narrowed to some machines: a page, however many others there are. */
export interface ListById {
  /** The most ids of one call, 50 at least. */
  readonly maxListedById: number;
  /**
   * Those of these machines that are of this deployment and that the cloud shows, in any order, in one call of the
   * cloud's. As in `listInstances`, what is missing may only not be shown yet; an id that never was one is no error.
   *
   * @param backendIds 1 to `maxListedById`
   */
  listInstancesById(location: string, backendIds: readonly string[]): Promise<CloudInstance[]>;
}

/** The cloud tells of each machine which idempotency key the call that made it had. */
export interface IdempotencyKeys {
  /**
   * The key that the call for these launch tokens has, in their order. Makes no call, and answers the same for ever:
   * it is kept with the records before the call goes out.
   *
   * @param launchTokens of one create call: one, or those of a batch
   */
  idempotencyKeyOf(launchTokens: readonly [string, ...string[]]): string;
}

/** How many of something may exist at a location. */
export interface Quota {
  unit: 'instances' | 'vcpus' | 'memoryGb';
  /** Which instances it is about, in the cloud's words; absent: all. */
  scope?: string;
  limit: number;
  /** Absent: the cloud does not tell. */
  used?: number;
}

export interface Quotas {
  /** Quotas that creating instances can run into. What is not limited is left out. */
  readQuotas(location: string): Promise<Quota[]>;
}

/** Drivers whose `apiKind` is `global`. */
export interface GlobalCatalogue {
  /** As `listOffers`, of all locations in one call. */
  listOffersEverywhere(): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
}

/** Says that a deployment works at an account under the id of the client's `deploymentId`. */
export interface WriterMark {
  /** 1 to 64 characters of a-z, 0-9 and `-`. */
  writerId: string;
  /** When the deployment began to work there. */
  sinceMs: number;
  renewedAtMs: number;
}

/**
 * The account keeps marks that every deployment with a credential of it can see: two deployments that were given one id
 * notice each other by them. A mark costs nothing and is no network, group or key pair. A deployment writes no mark but
 * its own. Each call throws `Unauthorized` where the credential lacks the right to it alone.
 */
export interface WriterMarks {
  /** Marks of every deployment under this client's `deploymentId`, to the last page. One that was written is listed. */
  listWriterMarks(): Promise<WriterMark[]>;
  /** Writes the mark, or replaces the one of the same writer. */
  putWriterMark(mark: WriterMark): Promise<void>;
  /** Removing what is gone succeeds. */
  removeWriterMark(writerId: string): Promise<void>;
}

/** What a client may have beside `CloudClient`: each is a set of methods that belong together. */
export interface Capabilities extends Record<CapabilityName, object> {
  'stop-start': StopStart;
  reboot: Reboot;
  'batch-create': BatchCreate;
  'list-by-id': ListById;
  'idempotency-keys': IdempotencyKeys;
  quotas: Quotas;
  'global-catalogue': GlobalCatalogue;
  'writer-marks': WriterMarks;
}

const METHODS: { readonly [Name in CapabilityName]: readonly (keyof Capabilities[Name])[] } = {
  'stop-start': ['stopInstance', 'startInstance'],
  reboot: ['rebootInstance'],
  'batch-create': ['createInstances', 'maxBatchSize'],
  'list-by-id': ['listInstancesById', 'maxListedById'],
  'idempotency-keys': ['idempotencyKeyOf'],
  quotas: ['readQuotas'],
  'global-catalogue': ['listOffersEverywhere'],
  'writer-marks': ['listWriterMarks', 'putWriterMark', 'removeWriterMark'],
};

/** @returns what this client can do beside `CloudClient`, told by the methods that it has */
export function capabilitiesOf(client: CloudClient): CapabilityName[] {
  return CAPABILITY_NAMES.filter((name) => has(client, name));
}

export function has<Name extends CapabilityName>(
  client: CloudClient,
  name: Name,
): client is CloudClient & Capabilities[Name] {
  return METHODS[name].every((method) => method in client);
}
