import type { Cloud, Image, InstanceType, Location, Offer } from '../model/cloud.ts';
import type { Credential, DriverName } from '../model/connection.ts';
import type { InstanceStatus } from '../model/status.ts';

/** What a driver needs to open a client: where, as whom, and whose machines are ours. */
export interface ConnectOptions {
  cloud: Cloud;
  credential: Credential;
  /** Overrides the cloud's own address; only where the deployment allows it. */
  endpoint?: string;
  /** The value of the tag `fleetwright:deployment` on everything that this deployment makes. */
  deploymentId: string;
}

/** One field of a driver's credential, so that a form can be drawn from it. */
export interface CredentialField {
  name: string;
  description: string;
  secret: boolean;
  required: boolean;
}

/**
 * The code that talks to a cloud. A driver holds no state but its clients; everything that must survive a
 * process is in the records of whoever calls it.
 */
export interface Driver {
  readonly name: DriverName;
  readonly clouds: readonly Cloud[];
  readonly credentialFields: readonly CredentialField[];
  /**
   * How long after a create call an instance may still be missing from `listInstances` and
   * `findInstanceByToken`. Only after this time does "not found" prove that nothing was made.
   */
  readonly consistencyWindowMs: number;
  /**
   * Opens a client. Makes no call, so it cannot tell a bad credential from a good one (`verifyCredential` does).
   *
   * @throws DriverError InvalidRequest when a credential field is missing or the endpoint is not usable
   */
  connect(options: ConnectOptions): CloudClient;
}

export const NETWORK_RESOURCE_KINDS = ['network', 'security-group', 'key-pair'] as const;
export type NetworkResourceKind = (typeof NETWORK_RESOURCE_KINDS)[number];

export interface NetworkSpec {
  location: string;
  /**
   * Unique in the deployment for its kind and location; the idempotency key. 1 to 23 characters of a-z and 0-9. The
   * driver makes the cloud's name of it (`resourceName`).
   */
  name: string;
  cidr: string;
  tags: Record<string, string>;
}

export interface SecurityGroupSpec {
  location: string;
  name: string;
  networkBackendId: string;
  /** Inbound TCP 22 from this CIDR; absent: nothing inbound at all. Outbound is open. */
  sshFrom?: string;
  tags: Record<string, string>;
}

export interface KeyPairSpec {
  location: string;
  name: string;
  /** OpenSSH format. The private half never reaches a driver. */
  publicKey: string;
  tags: Record<string, string>;
}

export interface InstanceSpec {
  location: string;
  zone?: string;
  /** Our instance's id: the value of the machine's tag `fleetwright:instance`. */
  instanceId: string;
  /**
   * The idempotency key; goes to the cloud where it takes one, and always into the machine's name (`machineName`),
   * which is all that tells whose it is at a cloud without tags.
   */
  launchToken: string;
  instanceType: string;
  imageBackendId: string;
  rootDiskGb?: number;
  userData?: string;
  networkBackendId: string;
  subnetBackendId?: string;
  securityGroupBackendId: string;
  keyPairBackendId: string;
  tags: Record<string, string>;
}

/** A machine as the cloud tells of it. */
export interface CloudInstance {
  backendId: string;
  /** From the tag `fleetwright:instance`, or the name (`parseMachineName`); undefined when neither tells. */
  instanceId?: string;
  launchToken?: string;
  /** The cloud's status in our words; a word that we do not know is `Undefined`, never a guess. */
  status: InstanceStatus;
  zone?: string;
  publicIp?: string;
  privateIp?: string;
  createdAt?: string;
  /** Why it failed, in the cloud's words, when status is `Failed`. */
  failureMessage?: string;
}

/** A network resource as the cloud tells of it. */
export interface CloudNetworkResource {
  kind: NetworkResourceKind;
  backendId: string;
  /** As in the spec that it was made from; as the cloud has it where that is not a name of ours. */
  name: string;
  createdAt?: string;
}

/**
 * One connection's client. "Of this deployment" is what carries its tag, or, without any deployment's tag, one of its
 * names (`names.ts`). Nothing else is ever answered with, so that nobody can come to delete it.
 * Every call has a time-out of its own and throws `DriverError` only:
 *
 * - `Throttled`: the call had no effect; `retryAfterMs` when the cloud said it.
 * - `Unavailable`: the cloud refused or could not be reached *before* it took the request; no effect.
 * - `OutcomeUnknown`: the request may have reached the cloud (time-out, reset or 5xx after sending). For a read
 *   there is no unknown outcome: it is `Unavailable`.
 * - `Unauthorized`: the credential is refused. `InvalidRequest`, `Unsupported`: the same call can never work.
 *
 * Retries inside an SDK are off: the governor must see each answer.
 */
export interface CloudClient {
  /** @returns the account that the credential belongs to, in the cloud's words. */
  verifyCredential(): Promise<{ account: string }>;

  listLocations(): Promise<Location[]>;
  /** Types at one location, and what each costs there. Read to the last page. */
  listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
  listImages(location: string): Promise<Image[]>;

  /**
   * Makes a network with one subnet, or returns the one of this deployment with this name. Idempotent, also under a
   * race.
   *
   * @throws DriverError QuotaExceeded, InvalidRequest; Conflict when the name is taken by what is not of this
   * deployment, and so not ours to use, nor to delete later
   */
  ensureNetwork(spec: NetworkSpec): Promise<{ backendId: string; subnetBackendId?: string }>;
  ensureSecurityGroup(spec: SecurityGroupSpec): Promise<{ backendId: string }>;
  ensureKeyPair(spec: KeyPairSpec): Promise<{ backendId: string }>;
  /**
   * The backend's id of this deployment's resource with this name, if there is one: after an answer to `ensure…` was
   * lost.
   */
  findNetworkResource(location: string, kind: NetworkResourceKind, name: string): Promise<string | undefined>;
  /** Every resource of one kind of this deployment at the location, to the last page, in any order. */
  listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]>;
  /**
   * Deleting what is gone succeeds.
   *
   * @throws DriverError Conflict while something still needs it: asked again later, the same call may succeed
   */
  deleteNetwork(location: string, backendId: string): Promise<void>;
  deleteSecurityGroup(location: string, backendId: string): Promise<void>;
  deleteKeyPair(location: string, backendId: string): Promise<void>;

  /**
   * Asks for one instance and returns as soon as the cloud has taken the request; never waits for a boot.
   * The same launch token twice, also concurrently, yields the same instance where the cloud honours tokens.
   * After any error but `OutcomeUnknown`, no instance exists.
   *
   * @throws DriverError InsufficientCapacity, QuotaExceeded, InvalidRequest, OutcomeUnknown
   */
  createInstance(spec: InstanceSpec): Promise<CloudInstance>;

  /**
   * @throws DriverError NotFound; once `consistencyWindowMs` has passed since the create call, that proves that it is
   * gone
   */
  getInstance(location: string, backendId: string): Promise<CloudInstance>;

  /** Every instance of this deployment at the location, to the last page, in any order. */
  listInstances(location: string): Promise<CloudInstance[]>;

  /** The instance that this token made; undefined proves nothing before `consistencyWindowMs` has passed. */
  findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined>;

  /** Asks the cloud to remove it. Success when it is gone already; the list tells when it really is. */
  terminateInstance(location: string, backendId: string): Promise<void>;
}

export const INSTANCE_TAG = 'fleetwright:instance';
export const DEPLOYMENT_TAG = 'fleetwright:deployment';
