import type { InstanceType, Offer } from '../../model/cloud.ts';
import type { Market } from '../../model/market.ts';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { Quota } from '../../model/quota.ts';
import type { CloudClient, CloudInstance, InstanceSpec } from './driver.ts';
import type { DriverError } from './errors.ts';
import type { GivenMachine, MachineFault } from './machine-checks.ts';
import { CAPABILITY_NAMES, type CapabilityName } from './metadata.ts';
import type { DiskIndex } from './names.ts';

/** Stops machines and starts them again. A stopped machine keeps its disk and its id. */
export interface StopStart {
  /**
   * Asks the cloud to stop the machine, and returns immediately. The machine is then `Suspending`, later `Suspended`.
   * Succeeds if the machine is already stopped.
   *
   * @throws DriverError NotFound; Conflict before the machine runs; Unsupported if this machine cannot be stopped, for
   * example a spot machine
   */
  stopInstance(location: string, backendId: string): Promise<void>;
  /**
   * Asks the cloud to start the machine, and returns immediately. The machine is then `Resuming`, later `Running`,
   * possibly with another public address. Succeeds if the machine already runs.
   *
   * @throws DriverError NotFound, InsufficientCapacity, QuotaExceeded; Conflict while the machine is being stopped
   */
  startInstance(location: string, backendId: string): Promise<void>;
}

export interface Reboot {
  /**
   * Asks the cloud to reboot the machine, and returns immediately. The machine keeps its id and its addresses. It may
   * be `Rebooting` before it is `Running` again.
   *
   * @throws DriverError NotFound; Conflict while the machine does not run
   */
  rebootInstance(location: string, backendId: string): Promise<void>;
}

/** The outcome for one instance of a batch: the created instance, or the error. */
export type CreateOutcome = { instance: CloudInstance } | { error: DriverError };

export interface BatchCreate {
  /** Maximum number of specs in one call, at least 2. */
  readonly maxBatchSize: number;
  /**
   * Requests several instances in one call to the cloud. The caller already has the governor's permit for each
   * instance. All specs belong to one fleet, and differ only in `instanceId`, `launchToken` and the tag
   * `fleetwright:instance`.
   *
   * The contract of `createInstance` applies to each instance: after any error except `OutcomeUnknown`, the instance
   * does not exist. `findInstanceByToken` finds each instance by its own launch token, even if the process ends right
   * after the request was sent.
   *
   * @returns one outcome for each spec, in the order of the specs. Never rejects with a DriverError: if the whole call
   * failed, each outcome has the error.
   */
  createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]>;
}

/** The outcome for one machine of a batch. Without an error, the cloud has accepted the removal. */
export interface TerminateOutcome {
  backendId: string;
  error?: DriverError;
}

export interface BatchTerminate {
  /** Maximum number of machines in one call, at least 2. */
  readonly maxTerminatedPerCall: number;
  /**
   * Asks the cloud to remove several machines, with one call if the cloud accepts the removal of each. The contract of
   * `terminateInstance` applies to each machine. A machine that the cloud refuses to remove, or does not know, does not
   * keep the others from being removed; the driver then makes further calls.
   *
   * @param backendIds from 1 to `maxTerminatedPerCall` ids
   * @returns one outcome for each id, in the order of the ids. Never rejects with a DriverError: if the whole call
   * failed, each outcome has the error.
   */
  terminateInstances(location: string, backendIds: readonly string[]): Promise<TerminateOutcome[]>;
}

/**
 * Gives machines names of their own after their create call, which made several machines with the same tags. People read
 * the names. The tags of the create call already tell each machine's launch token.
 */
export interface LateNames {
  /**
   * Names a machine that `isUnnamed`, with one call to the cloud. Succeeds if the machine has its name already.
   *
   * @throws DriverError NotFound if the cloud does not know the machine
   */
  nameInstance(location: string, machine: NamedMachine): Promise<void>;
}

export interface NamedMachine {
  backendId: string;
  instanceId: string;
  launchToken: string;
}

/** Lists selected machines by id. The cost of a call does not depend on the number of other machines in the account. */
export interface ListById {
  /** Maximum number of ids in one call, at least 50. */
  readonly maxListedById: number;
  /**
   * Lists the machines with these ids in any order, with one call to the cloud. Leaves out machines outside this
   * deployment, and ids that the cloud does not show. A new machine may still be missing, as in the answer of
   * `listInstances`.
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
   * in the same order always give the same key. The caller stores the key in the records before it sends the create
   * call.
   *
   * @param launchTokens the launch tokens of one create call: one token, or all tokens of a batch
   */
  idempotencyKeyOf(launchTokens: readonly [string, ...string[]]): string;
}

export interface Quotas {
  /**
   * Reads the quotas of the account that launches at the location can exceed. Leaves out unlimited quotas, and usage
   * that the credential may not read. Uses the names of the metadata's `quotaClasses`.
   *
   * @throws DriverError NotFound or InvalidRequest for an unknown location; Forbidden if the credential may not read
   * quotas
   */
  readQuotas(location: string): Promise<Quota[]>;
}

/** Reads the catalogue of all locations in one call. Drivers whose `apiKind` is `global` have this capability. */
export interface GlobalCatalogue {
  /** Returns what `listOffers` returns, for all locations in one call. */
  listOffersEverywhere(): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
}

/**
 * Describes a small record (mark) that a deployment (the writer) stores in a cloud account, under its deployment id.
 * The mark tells other deployments with the same id that the writer uses the account.
 */
export interface WriterMark {
  /** 1 to 64 characters of a-z, 0-9 and `-`. */
  writerId: string;
  /** The time when the writer began to use the account. */
  sinceMs: number;
  renewedAtMs: number;
}

/**
 * Stores writer marks in the cloud account, where every deployment with a credential for the account can read the
 * marks. Two deployments with the same id detect each other by their marks. A mark must be free of charge, and must not
 * be a network, security group or key pair. A deployment writes only its own mark.
 *
 * Each method throws `Forbidden` if the credential lacks the right to use marks, even if the credential has all
 * other rights.
 */
export interface WriterMarks {
  /**
   * Lists the marks of all writers that use this client's `deploymentId`, to the last page. A mark is listed as soon as
   * it has been written.
   */
  listWriterMarks(): Promise<WriterMark[]>;
  /** Writes the mark. Replaces an earlier mark of the same writer. */
  putWriterMark(mark: WriterMark): Promise<void>;
  /** Removes the mark. Succeeds if it no longer exists. */
  removeWriterMark(writerId: string): Promise<void>;
}

/** A call that the cloud denies to the credential. */
export interface DeniedRight {
  /** The cloud's name of the call, such as `ec2:RunInstances`. */
  call: string;
  /** The cloud's own code. */
  code: string;
  /** The cloud's own words. */
  message: string;
  /** `networks`: only launches that make networks need the call. */
  for?: 'networks';
}

/** Tells which calls of a launch the cloud would deny, without making anything. */
export interface RightsCheck {
  /**
   * Checks the calls that a launch needs. The check is cheap: at most ten requests, which make nothing.
   *
   * @param location absent: the driver chooses a location
   * @param needs `machines`: launches use existing networks, so that the calls that make networks and security groups
   *   are not checked. Absent: `networks`
   * @returns the calls that the cloud denies; empty if none is denied, or the cloud has no way to tell
   */
  checkRights(location?: string, needs?: 'networks' | 'machines'): Promise<DeniedRight[]>;
}

/** Codes of what may be wrong with a given network. */
export const NETWORK_FAULT_CODES = [
  /** The cloud shows no such resource at the location, to this credential. */
  'unknown-network',
  'unknown-subnet',
  'unknown-security-group',
  /** The subnet or the security group belongs to another network. */
  'other-network',
  /** The subnet is in another zone than the one under which it is given. */
  'other-zone',
  /** The subnets must be given by zone, or as a list; the message says which, and why. */
  'subnets-misfit',
  /** Machines cannot be created in the network, for a reason that the message tells. */
  'not-usable',
  /** The cloud, or the driver, takes fewer security groups for one machine. */
  'too-many',
  /** This deployment made the resource for a fleet, and removes it with that fleet. */
  'made-for-a-fleet',
] as const;

/** Something that is wrong with a given network. */
export interface NetworkFault {
  /** JSON pointer of the wrong value within the given network, such as `/networkId` or `/subnetIds/us-east-1a`. */
  pointer: string;
  code: (typeof NETWORK_FAULT_CODES)[number];
  message: string;
}

/** Lets machines use a network that the user made. */
export interface ExistingNetworks {
  /**
   * Checks that the network exists at the location, that its subnets belong to it and are in their zones, and that its
   * security groups can be used in it. Makes at most one read request for each given id and three more, and changes
   * nothing at the cloud.
   *
   * Without faults, the caller passes the network, the subnet of the machine's zone and the security groups to
   * `createInstance` (`networkOfGiven` in `model/network-choice.ts`). It never passes them to a method that changes or
   * deletes network resources.
   *
   * @returns everything that is wrong, empty if the network can be used
   * @throws DriverError NotFound or InvalidRequest for an unknown location; Forbidden if the credential may not read a resource
   */
  verifyNetwork(location: string, given: GivenNetwork): Promise<NetworkFault[]>;
}

/** Describes a volume as the cloud reports it: a disk that exists on its own, apart from the machine that uses it. */
export interface CloudVolume {
  backendId: string;
  /** Taken from the volume's tags or name, as for a machine. Undefined if neither contains the id. */
  instanceId?: string;
  launchToken?: string;
  /** Which disk of its machine the volume is. Absent if the cloud does not tell. */
  disk?: DiskIndex;
  sizeGb: number;
  /** The cloud's name of the volume's type. Absent if the cloud does not report it. */
  type?: string;
  zone?: string;
  /** The creation time by the cloud's clock. Absent if the cloud does not report it. */
  createdAtMs?: number;
  /** The machine that uses the volume, or is about to. Absent: no machine uses it. */
  attachedTo?: string;
  /** Whether the cloud removes the volume with that machine. Absent if the cloud does not tell. */
  endsWithMachine?: boolean;
  /** True if the cloud is removing the volume. */
  isLeaving?: boolean;
  /** The cloud's own word for the volume's status. */
  cloudStatus?: string;
  /** What the volume costs in US dollars a month. Absent if the cloud does not report it. */
  usdPerMonth?: number;
}

/**
 * Lists and removes the volumes that `createInstance` makes for the disks of a spec. A volume "of this deployment" is
 * marked as such in the request that makes it, by its tags or its name.
 *
 * A volume that is to be deleted with its machine may outlive it, if the machine broke before it used the volume, or if
 * the metadata's `volumesOutliveMachines` is true. The caller then removes the volume.
 */
export interface Volumes {
  /** Lists every volume of this deployment at the location, to the last page, in any order. */
  listVolumes(location: string): Promise<CloudVolume[]>;
  /**
   * Asks the cloud to remove the volume, with what is on it. Succeeds if the volume no longer exists. Success does not
   * prove that the volume is gone; only `listVolumes` shows that.
   *
   * @throws DriverError Conflict while a machine uses the volume; a repetition may succeed later
   */
  deleteVolume(location: string, backendId: string): Promise<void>;
}

/** Checks what a user names by the cloud's own id for machines. */
export interface MachineChecks {
  /**
   * Checks that the image exists at the location and boots on the instance types, that machines may get the identity,
   * that the placement group exists, and that the credential may encrypt disks with the keys. Changes nothing at the
   * cloud. Something that the credential may not read is not known to be wrong.
   *
   * @returns everything that is wrong, empty if nothing is known to be wrong
   * @throws DriverError NotFound or InvalidRequest for an unknown location
   */
  verifyMachine(location: string, machine: GivenMachine): Promise<MachineFault[]>;
}

/** What a node group asks for in markets other than on-demand. */
export interface WantedMarkets {
  markets: readonly Market[];
  /** The reservation, if `markets` contains `reserved`. */
  reservationId?: string;
  /** The instance types that the machines may have. */
  instanceTypes: readonly string[];
}

/** Something that is wrong with the wanted markets, in the cloud's own state. */
export interface MarketFault {
  /** Index in `markets`, or the field `reservationId`. */
  at: number | 'reservationId';
  code: 'missing-role' | 'unknown-reservation' | 'not-usable';
  /** Says what to do. */
  message: string;
}

/**
 * Creates machines in the markets `spot` and `reserved`: a spec may have `market`, and offers have spot prices. The cloud
 * tells by `isInterrupted` that it has taken a spot machine back.
 */
export interface Markets {
  /**
   * Checks what the account needs before machines can be created in the markets: a role for spot machines, a reservation
   * that is active and that has one of the types. Changes nothing at the cloud.
   *
   * @returns everything that is wrong, empty if nothing is known to be wrong
   * @throws DriverError NotFound or InvalidRequest for an unknown location; Forbidden if the credential may not read
   */
  verifyMarkets(location: string, wanted: WantedMarkets): Promise<MarketFault[]>;
}

/** Maps each optional capability to its methods. */
export interface Capabilities extends Record<CapabilityName, object> {
  'stop-start': StopStart;
  reboot: Reboot;
  'batch-create': BatchCreate;
  'batch-terminate': BatchTerminate;
  'late-names': LateNames;
  'list-by-id': ListById;
  'idempotency-keys': IdempotencyKeys;
  quotas: Quotas;
  'global-catalogue': GlobalCatalogue;
  'writer-marks': WriterMarks;
  'rights-check': RightsCheck;
  'existing-networks': ExistingNetworks;
  volumes: Volumes;
  'machine-checks': MachineChecks;
  markets: Markets;
}

const METHODS: { readonly [Name in CapabilityName]: readonly (keyof Capabilities[Name])[] } = {
  'stop-start': ['stopInstance', 'startInstance'],
  reboot: ['rebootInstance'],
  'batch-create': ['createInstances', 'maxBatchSize'],
  'batch-terminate': ['terminateInstances', 'maxTerminatedPerCall'],
  'late-names': ['nameInstance'],
  'list-by-id': ['listInstancesById', 'maxListedById'],
  'idempotency-keys': ['idempotencyKeyOf'],
  quotas: ['readQuotas'],
  'global-catalogue': ['listOffersEverywhere'],
  'writer-marks': ['listWriterMarks', 'putWriterMark', 'removeWriterMark'],
  'rights-check': ['checkRights'],
  'existing-networks': ['verifyNetwork'],
  volumes: ['listVolumes', 'deleteVolume'],
  'machine-checks': ['verifyMachine'],
  markets: ['verifyMarkets'],
};

/** Returns the optional capabilities of a client. A client has a capability if it has all methods of the capability. */
export function capabilitiesOf(client: CloudClient): CapabilityName[] {
  return CAPABILITY_NAMES.filter((name) => has(client, name));
}

export function has<Name extends CapabilityName>(
  client: CloudClient,
  name: Name,
): client is CloudClient & Capabilities[Name] {
  return METHODS[name].every((method) => method in client);
}
