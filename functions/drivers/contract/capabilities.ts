import type { InstanceType, Offer } from '../../model/cloud.ts';
import type { CloudClient, CloudInstance, InstanceSpec } from './driver.ts';
import type { DriverError } from './errors.ts';
import { CAPABILITY_NAMES, type CapabilityName } from './metadata.ts';

/** Stops machines and starts them again. A stopped machine keeps its disk and its id. */
export interface StopStart {
  /**
   * Asks the cloud to stop the machine, and returns immediately. The machine is then `Suspending`, later `Suspended`.
   * Succeeds if the machine is already stopped.
   *
   * @throws DriverError NotFound; Conflict before the machine runs; Unsupported when this machine cannot be stopped
   * (spot, local disks)
   */
  stopInstance(location: string, backendId: string): Promise<void>;
  /**
   * Asks the cloud to start the machine, and returns immediately. The machine is then `Resuming`, later `Running`,
   * possibly with another public address. Succeeds if the machine already runs. A cloud without capacity for the
   * machine answers as it does to a create call.
   *
   * @throws DriverError NotFound, InsufficientCapacity, QuotaExceeded; Conflict while the machine is being stopped
   */
  startInstance(location: string, backendId: string): Promise<void>;
}

export interface Reboot {
  /**
   * Asks the cloud to reboot the machine, and returns immediately. The machine may be `Rebooting` for a while. It is
   * then `Running`, with the same id and addresses.
   *
   * @throws DriverError NotFound; Conflict while the machine does not run
   */
  rebootInstance(location: string, backendId: string): Promise<void>;
}

/** The outcome for one instance of a batch. */
export type CreateOutcome = { instance: CloudInstance } | { error: DriverError };

export interface BatchCreate {
  /** Maximum number of specs in one call, at least 2. */
  readonly maxBatchSize: number;
  /**
   * Requests several instances in one call to the cloud. The caller has the governor's permit for each instance. All
   * specs belong to one fleet, and differ only in `instanceId`, `launchToken` and the tag `fleetwright:instance`.
   *
   * The contract of `createInstance` applies to each instance: after any error except `OutcomeUnknown`, the instance
   * does not exist. `findInstanceByToken` finds each instance by its own launch token, even when the process died right
   * after the call.
   *
   * @returns one outcome for each spec, in the order of the specs. Never rejects with a DriverError: if the whole call
   * failed, each outcome has the error.
   */
  createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]>;
}

/** Lists selected machines by id. The cost does not grow with the number of other machines. */
export interface ListById {
  /** Maximum number of ids in one call, at least 50. */
  readonly maxListedById: number;
  /**
   * Lists those of the given machines that belong to this deployment and that the cloud shows, in any order. Makes one
   * call to the cloud. The cloud may not show a new machine yet, as with `listInstances`. An id that never existed is
   * no error.
   *
   * @param backendIds from 1 to `maxListedById` ids
   */
  listInstancesById(location: string, backendIds: readonly string[]): Promise<CloudInstance[]>;
}

/**
 * Computes the idempotency key of each create call. For each machine, the cloud reports the key of the call that
 * created the machine.
 */
export interface IdempotencyKeys {
  /**
   * Returns the idempotency key of the create call for these launch tokens. Makes no call to the cloud. The same tokens
   * in the same order always give the same key: the caller stores it in the records before it sends the create call.
   *
   * @param launchTokens the launch tokens of one create call: one token, or all tokens of a batch
   */
  idempotencyKeyOf(launchTokens: readonly [string, ...string[]]): string;
}

/** A quota on the instances, vCPUs or GB of memory at a location. */
export interface Quota {
  unit: 'instances' | 'vcpus' | 'memoryGb';
  /** The instances that the quota counts, in the cloud's words. Absent: all instances. */
  scope?: string;
  limit: number;
  /** The amount in use. Absent if the cloud does not report it. */
  used?: number;
}

export interface Quotas {
  /** Reads the quotas that a create call can exceed. Leaves out unlimited quotas. */
  readQuotas(location: string): Promise<Quota[]>;
}

/** Reads the catalogue of all locations in one call. Drivers whose `apiKind` is `global` have it. */
export interface GlobalCatalogue {
  /** Returns what `listOffers` returns, for all locations in one call. */
  listOffersEverywhere(): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
}

/**
 * A mark in a cloud account. It states that a deployment (the writer) uses the account under the client's
 * `deploymentId`.
 */
export interface WriterMark {
  /** 1 to 64 characters of a-z, 0-9 and `-`. */
  writerId: string;
  /** The time when the deployment began to use the account. */
  sinceMs: number;
  renewedAtMs: number;
}

/**
 * Keeps marks in the cloud account. Every deployment with a credential for the account can read them. By the marks, two
 * deployments with the same id detect each other. A mark is free of charge, and is no network, security group or key
 * pair. A deployment writes only its own mark.
 *
 * Each call throws `Unauthorized` when the credential lacks the right to marks, even if it has all other rights.
 */
export interface WriterMarks {
  /**
   * Lists the marks of every deployment under this client's `deploymentId`, to the last page. A mark is listed as soon
   * as it has been written.
   */
  listWriterMarks(): Promise<WriterMark[]>;
  /** Writes the mark. Replaces an earlier mark of the same writer. */
  putWriterMark(mark: WriterMark): Promise<void>;
  /** Removes the mark. Succeeds if it no longer exists. */
  removeWriterMark(writerId: string): Promise<void>;
}

/**
 * Maps each optional capability to its methods. A client may have these methods in addition to those of `CloudClient`.
 */
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

/** Returns the optional capabilities of a client. A client has a capability if it has all of its methods. */
export function capabilitiesOf(client: CloudClient): CapabilityName[] {
  return CAPABILITY_NAMES.filter((name) => has(client, name));
}

export function has<Name extends CapabilityName>(
  client: CloudClient,
  name: Name,
): client is CloudClient & Capabilities[Name] {
  return METHODS[name].every((method) => method in client);
}
