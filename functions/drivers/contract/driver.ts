import type { Cloud, Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { Credential } from '../../model/connection.ts';
import type { InstanceStatus } from '../../model/status.ts';
import type { CallGate } from './call-gate.ts';
import type { DriverMetadata } from './metadata.ts';

/** What a driver needs to open a client: where, as whom, and whose machines are ours. */
export interface ConnectOptions {
  cloud: Cloud;
  credential: Credential;
  /** The cloud's address; overrides its own where it has one. Already checked against the deployment's rules. */
  endpoint?: string;
  /** The value of the tag `fleetwright:deployment` on everything that this deployment makes. */
  deploymentId: string;
  /**
   * `<namespace>/<name>` of the connection, the same for as long as it exists, whatever becomes of its credential. For
   * drivers that have to keep something under the connection's name; absent: nobody's in particular. Clients of one
   * connection may have different credentials, when a new one is verified: that changes nothing for the others.
   */
  connectionKey?: string;
  /**
   * The credential is not in force and may never be: what the driver keeps under the connection's name stays as it is
   * for the other clients. Such a client is asked `verifyCredential`, `listInstances`, `getInstance`,
   * `listNetworkResources` and for marks only.
   */
  isTrial?: boolean;
  /** Each request that the client makes passes it. */
  calls: CallGate;
}

/** The account that a credential is of. */
export interface VerifiedCredential {
  /**
   * The cloud's own id of the account. It never changes, and two credentials of one cloud are of the same account
   * exactly where these are equal. Undefined: the cloud does not tell.
   */
  account: string | undefined;
  /** What people call that account, for messages. Absent: the same as `account`. */
  accountName?: string;
}

/**
 * The code that talks to a cloud, made with `defineDriver`. A driver holds no state but its clients; everything that
 * must survive a process is in the records of whoever calls it.
 */
export interface Driver extends DriverMetadata {
  /**
   * Opens a client. Makes no call, so it cannot tell a bad credential from a good one (`verifyCredential` does).
   * A client is kept for up to a minute and used by many messages at once; it is thrown away when the cloud answers
   * `Unauthorized`. Whatever it caches (tokens, assumed roles, addresses) goes with it.
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
  /** As the user wrote it, not encoded. Only where the driver has the feature `user-data`. */
  userData?: string;
  networkBackendId: string;
  subnetBackendId?: string;
  securityGroupBackendId: string;
  keyPairBackendId: string;
  /** Whether the cloud may take it back at any time, for less. Only where the driver has the feature `spot`. */
  spot?: boolean;
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
  /** As an offer names it; absent where the cloud does not tell. */
  instanceType?: string;
  publicIp?: string;
  privateIp?: string;
  /**
   * When it was created, by the cloud's clock: the same at each poll, however often it is stopped and started. Absent
   * where the cloud does not say.
   */
  createdAtMs?: number;
  /**
   * The idempotency key of the call that made it, where the cloud keeps that: what `idempotencyKeyOf` says of the
   * call's launch tokens. A machine that was copied from it has another one, or none.
   */
  idempotencyKey?: string;
  /** The cloud's own word for its status. */
  cloudStatus?: string;
  /** Why it failed, or was removed by the cloud, in the cloud's words: of one that is `Failed` or `Terminated`. */
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
 * Every call has a time-out of its own, ends within 30 seconds unless it says otherwise, and throws `DriverError`
 * only. Its message has the cloud's own words, and no part of the credential, of user data or of a key:
 *
 * - `Throttled`: the call had no effect; `retryAfterMs` and `limitPerSecond` when the cloud said it (`retry-after.ts`).
 *   Not `QuotaExceeded`, which waiting does not cure.
 * - `Unavailable`: the cloud refused or could not be reached *before* it took the request; no effect.
 * - `OutcomeUnknown`: the request may have reached the cloud (time-out, reset or 5xx after sending). For a read
 *   there is no unknown outcome: it is `Unavailable`.
 * - `Unauthorized`: the credential is refused, has expired, or lacks the right to this one call; `call` in the error
 *   names it.
 * - `NoPermit`: the gate let a request of this call wait for too long (`call-gate.ts`); nothing of that request was sent.
 *   The same call later takes up what the earlier requests made.
 * - `NotFound`: what the call is about (location, machine) is not there. `InvalidRequest`, `Unsupported`: the same
 *   call can never work; an unknown location or type, an image of another architecture, a bad CIDR are among them.
 * - What a driver cannot classify is `OutcomeUnknown` for a change and `Unavailable` for a read, never a guess. Where the
 *   cloud has answered, `answered` says so: the same answer again and again is a refusal in words that no table knows.
 *
 * A call of this interface that takes several of the cloud's leaves nothing half-made: when one of them fails, what
 * the earlier ones made is removed, or is found and taken up again by the same call; else it throws `OutcomeUnknown`.
 * Lists are read to the last page. Retries inside an SDK are off: the governor must see each answer.
 *
 * What not every cloud has is in `capabilities.ts`.
 */
export interface CloudClient {
  /** Asks the cloud whether it accepts the credential. @returns the account that the credential is of */
  verifyCredential(): Promise<VerifiedCredential>;

  /** Every location of the cloud that this credential may use, those that are down included, with their zones. */
  listLocations(): Promise<Location[]>;
  /**
   * Types at one location, and what each costs there. Two calls agree, order and prices aside; ids of offers are those
   * of `offerId`, and the same for ever.
   */
  listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
  /**
   * Images that a fleet may name, the cloud's own and public ones before all: one for each name, the newest, with the
   * architectures that it boots on.
   */
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
   * Asks for one instance and returns as soon as the cloud has taken the request; never waits for a boot. Where the
   * cloud answers only after the boot, it is left alone once the request is under way, and the answer is the machine
   * as `findInstanceByToken` has it, or `OutcomeUnknown`.
   * The same launch token twice, also concurrently, yields the same instance where the cloud honours tokens
   * (feature `launch-tokens`).
   * After any error but `OutcomeUnknown`, no instance exists, nor anything that was made for it alone (address, disk,
   * interface).
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

  /**
   * An instance that carries this token; undefined proves nothing before `consistencyWindowMs` has passed. A copy of
   * an instance carries its token, too: the caller proves which one the token made.
   */
  findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined>;

  /**
   * Asks the cloud to remove it, with all that was made for it alone. Success when it is gone already, also by an id
   * that never was one; the list tells when it really is.
   */
  terminateInstance(location: string, backendId: string): Promise<void>;
}

export const INSTANCE_TAG = 'fleetwright:instance';
export const DEPLOYMENT_TAG = 'fleetwright:deployment';
