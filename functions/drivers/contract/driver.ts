import type { Cloud, Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { Credential } from '../../model/connection.ts';
import type { InstanceStatus } from '../../model/status.ts';
import type { CallGate } from './call-gate.ts';
import type { DriverMetadata } from './metadata.ts';

/** Passes to a driver what it needs to open a client: endpoint, credential, deployment and call gate. */
export interface ConnectOptions {
  cloud: Cloud;
  credential: Credential;
  /**
   * Overrides the cloud's own address, if it has one. The caller has already checked it against the deployment's rules.
   */
  endpoint?: string;
  /** The value of the tag `fleetwright:deployment` on everything that this deployment makes. */
  deploymentId: string;
  /**
   * `<namespace>/<name>` of the connection. It stays the same for the life of the connection, even when the credential
   * changes. Drivers that store something per connection use it. Absent: the client belongs to no connection.
   *
   * While a new credential is being verified, clients of one connection have different credentials. A client with the
   * new one changes nothing for the others.
   */
  connectionKey?: string;
  /**
   * True if the credential is not in force and may never be. The driver does not change what it stores under the
   * connection's name, because other clients use it. The caller uses only `verifyCredential`, `listInstances`,
   * `getInstance`, `listNetworkResources` and the marks.
   */
  isTrial?: boolean;
  /** Every request of the client passes this gate. */
  calls: CallGate;
}

/** Identifies the account that a credential belongs to. */
export interface VerifiedCredential {
  /**
   * The cloud's own id of the account. It never changes. Two credentials of one cloud belong to the same account
   * exactly when these ids are equal. Undefined if the cloud does not report it.
   */
  account: string | undefined;
  /** The account's display name, for messages. Absent: the same as `account`. */
  accountName?: string;
}

/**
 * Connects to a cloud; made with `defineDriver`. A driver keeps no state except its clients. The driver's caller stores
 * everything that must survive the process in its records.
 */
export interface Driver extends DriverMetadata {
  /**
   * Opens a client. Makes no call, and cannot tell whether the cloud accepts the credential; `verifyCredential` can.
   * The caller keeps a client for up to a minute, shares it among many messages, and discards it after `Unauthorized`.
   * What the client caches (tokens, assumed roles, addresses) is discarded with it.
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
   * The idempotency key, unique in the deployment for its kind and location. 1 to 23 characters of a-z and 0-9. The
   * driver derives the name at the cloud from it (`resourceName`).
   */
  name: string;
  cidr: string;
  tags: Record<string, string>;
}

export interface SecurityGroupSpec {
  location: string;
  name: string;
  networkBackendId: string;
  /** Allows inbound TCP 22 from this CIDR. Absent: nothing inbound. Outbound is open. */
  sshFrom?: string;
  tags: Record<string, string>;
}

export interface KeyPairSpec {
  location: string;
  name: string;
  /** OpenSSH format. A driver never receives the private key. */
  publicKey: string;
  tags: Record<string, string>;
}

export interface InstanceSpec {
  location: string;
  zone?: string;
  /** Our instance's id: the value of the machine's tag `fleetwright:instance`. */
  instanceId: string;
  /**
   * The idempotency key. The driver passes it to a cloud that accepts one, and always puts it into the machine's name
   * (`machineName`). At a cloud without tags, only the name tells which instance the machine belongs to.
   */
  launchToken: string;
  instanceType: string;
  imageBackendId: string;
  rootDiskGb?: number;
  /** The user data, not encoded. A driver without the feature `user-data` refuses it as `Unsupported`. */
  userData?: string;
  networkBackendId: string;
  subnetBackendId?: string;
  securityGroupBackendId: string;
  keyPairBackendId: string;
  /**
   * True if the cloud may reclaim the machine at any time, for a lower price. Set only for drivers with the feature
   * `spot`.
   */
  spot?: boolean;
  tags: Record<string, string>;
}

/** Describes a machine as the cloud reports it. */
export interface CloudInstance {
  backendId: string;
  /** Taken from the tag `fleetwright:instance`, or from the name (`parseMachineName`). Undefined if neither has it. */
  instanceId?: string;
  launchToken?: string;
  /** The cloud's status in the terms of this contract. An unknown word becomes `Undefined`, never a guess. */
  status: InstanceStatus;
  zone?: string;
  /** The name as in the offer. Absent if the cloud does not report it. */
  instanceType?: string;
  publicIp?: string;
  privateIp?: string;
  /**
   * The creation time by the cloud's clock. It never changes, even if the machine is stopped and started. Absent if the
   * cloud does not report it.
   */
  createdAtMs?: number;
  /**
   * The idempotency key of the call that made the machine, if the cloud keeps it: the value of `idempotencyKeyOf` for
   * that call's launch tokens. A copy of the machine has another key, or none.
   */
  idempotencyKey?: string;
  /** The cloud's own word for its status. */
  cloudStatus?: string;
  /**
   * The reason why the machine failed or the cloud removed it, in the cloud's words. Only for `Failed` and
   * `Terminated`.
   */
  failureMessage?: string;
}

/** Describes a network resource as the cloud reports it. */
export interface CloudNetworkResource {
  kind: NetworkResourceKind;
  backendId: string;
  /**
   * The name in the spec that the resource was made from. If the name does not have the form of `names.ts`, the cloud's
   * name.
   */
  name: string;
  createdAt?: string;
}

/**
 * Makes the calls of one connection. "Of this deployment" means: it carries the deployment's tag or, without any
 * deployment's tag, one of its names (`names.ts`). A client never returns anything else, which protects other machines
 * from deletion.
 *
 * Every call has its own time-out, ends within 30 seconds unless its comment says otherwise, and throws only
 * `DriverError`. The error's message has the cloud's own words, and no part of the credential, of user data or of a
 * key:
 *
 * - `Throttled`: the call had no effect. Has `retryAfterMs` and `limitPerSecond` if the cloud reported them
 *   (`retry-after.ts`). It is not `QuotaExceeded`, for which waiting does not help.
 * - `Unavailable`: the cloud refused the request *before* it took it, or could not be reached; no effect.
 * - `OutcomeUnknown`: the request may have reached the cloud (time-out, reset or 5xx after sending). A read throws
 *   `Unavailable` instead.
 * - `Unauthorized`: the cloud refused the credential, or it has expired, or it lacks the right to this call. The
 *   error's `call` names the call.
 * - `NoPermit`: a request of this call waited too long for its permit (`call-gate.ts`) and was not sent. When the same
 *   call is made again, it reuses what the earlier requests created.
 * - `NotFound`: the location or machine of the call does not exist.
 * - `InvalidRequest`, `Unsupported`: the same call can never succeed: an unknown location or type, an image of another
 *   architecture, a bad CIDR.
 * - An error that a driver cannot classify is `OutcomeUnknown` for a change and `Unavailable` for a read, never a
 *   guess. `answered` is true if the cloud answered: the same answer several times in a row is a refusal that no table
 *   knows.
 *
 * One call may need several requests to the cloud. When one of them fails, the driver removes what the earlier ones
 * created, or the same call later finds and reuses it. If neither is possible, the call throws `OutcomeUnknown`.
 *
 * Lists are read to the last page. SDK retries are off, because the governor must see each answer.
 *
 * `capabilities.ts` has the calls that not every cloud offers.
 */
export interface CloudClient {
  /** Asks the cloud whether it accepts the credential. @returns the account that the credential belongs to */
  verifyCredential(): Promise<VerifiedCredential>;

  /** Lists every location that this credential may use, with its zones. Includes locations that are down. */
  listLocations(): Promise<Location[]>;
  /**
   * Lists the instance types at one location, with their prices there. Two calls return the same, except for order and
   * prices. The ids of offers are those of `offerId`, and never change.
   */
  listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
  /**
   * Lists the images that a fleet may name, mainly the cloud's own and public ones. Each name appears once, with its
   * newest image and the architectures that it boots on.
   */
  listImages(location: string): Promise<Image[]>;

  /**
   * Makes a network with one subnet, or returns this deployment's network of this name. Idempotent, also when called
   * concurrently.
   *
   * @throws DriverError QuotaExceeded, InvalidRequest; Conflict when a network outside this deployment has the name:
   * the deployment must neither use nor delete it
   */
  ensureNetwork(spec: NetworkSpec): Promise<{ backendId: string; subnetBackendId?: string }>;
  ensureSecurityGroup(spec: SecurityGroupSpec): Promise<{ backendId: string }>;
  ensureKeyPair(spec: KeyPairSpec): Promise<{ backendId: string }>;
  /**
   * Returns the backend id of this deployment's resource with this name, if it exists. Used when the answer to
   * `ensure…` was lost.
   */
  findNetworkResource(location: string, kind: NetworkResourceKind, name: string): Promise<string | undefined>;
  /** Lists every resource of one kind of this deployment at the location, to the last page, in any order. */
  listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]>;
  /**
   * Deletes the network. Succeeds if it no longer exists.
   *
   * @throws DriverError Conflict while something still uses it; the same call may succeed later
   */
  deleteNetwork(location: string, backendId: string): Promise<void>;
  deleteSecurityGroup(location: string, backendId: string): Promise<void>;
  deleteKeyPair(location: string, backendId: string): Promise<void>;

  /**
   * Requests one instance and returns as soon as the cloud has accepted the request, without waiting for the boot. If
   * the cloud answers only after the boot, the driver stops waiting when the request is under way. It then returns the
   * machine as `findInstanceByToken` does, or throws `OutcomeUnknown`.
   *
   * At a cloud that honours tokens (feature `launch-tokens`), two calls with the same launch token yield the same
   * instance, also concurrently. After any error but `OutcomeUnknown`, neither the instance nor anything that was
   * created only for it (address, disk, interface) exists.
   *
   * @throws DriverError InsufficientCapacity, QuotaExceeded, InvalidRequest, OutcomeUnknown
   */
  createInstance(spec: InstanceSpec): Promise<CloudInstance>;

  /**
   * Reads one instance. @throws DriverError NotFound; this proves that the instance does not exist when
   * `consistencyWindowMs` has passed since the create call
   */
  getInstance(location: string, backendId: string): Promise<CloudInstance>;

  /** Lists every instance of this deployment at the location, to the last page, in any order. */
  listInstances(location: string): Promise<CloudInstance[]>;

  /**
   * Finds an instance that carries this token. Undefined proves nothing until `consistencyWindowMs` has passed. A copy
   * of an instance also carries its token: the caller decides which machine was created with the token.
   */
  findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined>;

  /**
   * Asks the cloud to remove the instance and everything that was created only for it. Succeeds if the instance no
   * longer exists or never existed. Only the list shows when it no longer exists.
   */
  terminateInstance(location: string, backendId: string): Promise<void>;
}

export const INSTANCE_TAG = 'fleetwright:instance';
export const DEPLOYMENT_TAG = 'fleetwright:deployment';
