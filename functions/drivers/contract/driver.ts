import type { Cloud, Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { Credential } from '../../model/connection.ts';
import type { DataDisk, RootDisk } from '../../model/disk.ts';
import type { PortRange, RuleProtocol } from '../../model/inbound-rule.ts';
import type { ReportedLimits } from '../../model/limit-profile.ts';
import type { MetadataOptions } from '../../model/machine-options.ts';
import type { Market } from '../../model/market.ts';
import type { InstanceStatus } from '../../model/status.ts';
import type { CallGate } from './call-gate.ts';
import type { DriverErrorCode } from './errors.ts';
import type { DriverMetadata } from './metadata.ts';
import type { RefusedQuota } from './quota.ts';

/** The options with which a driver opens a client. */
export interface ConnectOptions {
  cloud: Cloud;
  credential: Credential;
  /**
   * Address of the cloud's API. Replaces the address that the driver itself knows, if there is one. The caller has
   * already checked that the deployment allows this address.
   */
  endpoint?: string;
  /** The value of the tag `fleetwright:deployment` on everything that this deployment makes. */
  deploymentId: string;
  /**
   * `<namespace>/<name>` of the connection. It never changes, even if the connection gets another credential. Drivers
   * that store data per connection use this key. Absent: the client belongs to no connection.
   *
   * While a new credential is being verified, two clients of one connection may have different credentials. A client
   * with the new credential must not change what the client with the old credential uses.
   */
  connectionKey?: string;
  /**
   * True if the connection does not use this credential yet, and may never use it. The driver must not change the data
   * that it stores under the connection's name, because the connection's other clients use that data. The caller calls
   * only `verifyCredential`, `listInstances`, `getInstance`, `listNetworkResources` and the methods for writer marks.
   */
  isTrial?: boolean;
  /** Every request of the client passes this gate. */
  calls: CallGate;
}

/** Identifies the account that a credential belongs to. */
export interface VerifiedCredential {
  /**
   * The cloud's own id of the account. It never changes. Two credentials of one cloud belong to the same account if and
   * only if these ids are equal. Undefined if the cloud does not report the id.
   */
  account: string | undefined;
  /** The account's display name, for messages. Absent: the same as `account`. */
  accountName?: string;
  /** Limits that the cloud itself states for the account. Absent: it states none. */
  limits?: ReportedLimits;
}

/** Opens clients of a cloud. Made with `defineDriver`. A driver has no state. A client may cache data in memory. */
export interface Driver extends DriverMetadata {
  /**
   * Opens a client. Makes no call to the cloud. Only `verifyCredential` tells whether the cloud accepts the credential.
   * The caller uses one client for up to a minute, for many queue messages. After `Unauthorized`, the caller discards
   * the client and thus its cached tokens.
   *
   * @throws DriverError InvalidRequest if a credential field is missing or the endpoint is not usable
   */
  connect(options: ConnectOptions): CloudClient;
}

export const NETWORK_RESOURCE_KINDS = ['network', 'security-group', 'key-pair'] as const;
export type NetworkResourceKind = (typeof NETWORK_RESOURCE_KINDS)[number];

export interface NetworkSpec {
  location: string;
  /**
   * Idempotency key of the network, unique among this deployment's networks at the location. 1 to 23 characters of a-z
   * and 0-9. The driver derives the resource's name at the cloud from this key (`resourceName`).
   */
  name: string;
  cidr: string;
  tags: Record<string, string>;
}

/** A zone in which machines of a network can be created. */
export interface NetworkZone {
  zone: string;
  /** The network's subnet in this zone. Absent: `zone` alone tells the cloud where to create a machine. */
  subnetBackendId?: string | undefined;
}

/** A network as `ensureNetwork` returns it. */
export interface EnsuredNetwork {
  backendId: string;
  /** The network's only subnet. Absent: each zone has its own subnet. */
  subnetBackendId?: string;
  /**
   * The zones in which machines of the network can be created, sorted by name. The caller then names one of them in the
   * spec of each machine. Absent: the cloud chooses the zone of a machine, unless the user names a zone.
   */
  zones?: NetworkZone[];
}

/**
 * Allows inbound traffic of one protocol to one range of ports (first and last port) from one source. Without ports,
 * the rule allows all of the protocol. A rule with protocol `icmp` has no ports. From a range of IPv6 addresses, it
 * allows ICMPv6.
 */
export interface AllowRule {
  protocol: RuleProtocol;
  ports?: PortRange;
  /** The source is a range of addresses, or the machines that have a security group of the same network. */
  source: { cidr: string } | { securityGroupBackendId: string };
}

export interface SecurityGroupSpec {
  location: string;
  name: string;
  networkBackendId: string;
  /**
   * The inbound traffic that is allowed. Specs with the same name have the same rules. No two rules are equal, and the
   * address of a CIDR has no bits beyond the prefix. All outbound traffic is allowed. A driver without the feature
   * `group-sources` throws `Unsupported` for a rule whose source is a security group.
   */
  rules: readonly AllowRule[];
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
  /**
   * The zone of the machine: a zone that the user named, or one of the network's `zones`. If the machine cannot be
   * created for a reason of this zone, the error's scope is `zone`, and the driver tries no other zone.
   */
  zone?: string;
  /** Fleetwright's id of the instance: the value of the machine's tag `fleetwright:instance`. */
  instanceId: string;
  /**
   * Idempotency key of the launch. If the cloud accepts an idempotency key, the driver derives that key from this
   * token. The machine's name contains the token (`machineName`). At a cloud without tags, only the name tells for
   * which instance the machine was made.
   */
  launchToken: string;
  instanceType: string;
  imageBackendId: string;
  /** The root disk. Absent fields, and an absent disk, are as the image, the type and the cloud decide. */
  rootDisk?: RootDisk;
  /**
   * Further, empty disks, in the order in which the machine gets them. Set only for drivers with the feature
   * `data-disks`. The fields of a disk that need a feature are set only for drivers with that feature.
   */
  dataDisks?: readonly DataDisk[];
  /** The user data, not encoded. A driver without the feature `user-data` throws `Unsupported`. */
  userData?: string;
  /** The bytes of user data that is no text, in base64. A spec has at most one of `userData` and this field. */
  userDataBase64?: string;
  /**
   * The identity with which the machine's programs call the cloud, as the cloud names it. Set only for drivers with the
   * feature `identity`.
   */
  identity?: string;
  /** Name of a placement group at the location. Set only for drivers with the feature `placement-groups`. */
  placementGroup?: string;
  /** Set only for drivers with the feature `metadata-options`. Absent: requests need a session token. */
  metadataOptions?: MetadataOptions;
  networkBackendId: string;
  subnetBackendId?: string;
  /** The machine's security groups, at least one, each only once. Traffic is allowed if one of them allows it. */
  securityGroupBackendIds: readonly [string, ...string[]];
  keyPairBackendId: string;
  /**
   * Whether the machine gets a public IPv4 address. False only for drivers with the feature `private-only`. Absent: true
   * for drivers with the feature `public-ips`.
   */
  publicIp?: boolean;
  /**
   * The market of the machine. `spot`: the cloud may take the machine back at any time, for a lower price; the machine is
   * then gone. `reserved`: in the reservation `reservationId`, and nowhere else. Absent: on-demand, outside of
   * reservations as far as the cloud allows that. Set only for drivers with the capability `markets`.
   */
  market?: Exclude<Market, 'on-demand'>;
  /** The cloud's id of the reservation. Set if, and only if, `market` is `reserved`. */
  reservationId?: string;
  /** The highest price of a spot machine that the cloud may ask, in USD per hour. Absent: the cloud's own maximum. */
  maxUsdPerHour?: number;
  tags: Record<string, string>;
}

/** Describes a machine as the cloud reports it. */
export interface CloudInstance {
  backendId: string;
  /**
   * Taken from the tag `fleetwright:instance`, or from the name (`parseMachineName`). Undefined if neither contains the
   * id.
   */
  instanceId?: string;
  launchToken?: string;
  /** The status in the terms of this contract. `Undefined` if the driver cannot interpret the cloud's own status. */
  status: InstanceStatus;
  zone?: string;
  /** The name of the type, as in the offers. Absent if the cloud does not report it. */
  instanceType?: string;
  /**
   * Addresses that the machine has at the moment of the answer. Absent if the cloud does not report the address, or does
   * not report it yet. Callers read the addresses again later, because an address may come late or change.
   */
  publicIp?: string;
  privateIp?: string;
  /** IPv6 address, where the network gives one. */
  ipv6?: string;
  /**
   * The creation time by the cloud's clock. It never changes, even if the machine is stopped and started. Absent if the
   * cloud does not report it.
   */
  createdAtMs?: number;
  /**
   * The idempotency key of the call that made the machine, if the cloud keeps it: the value of `idempotencyKeyOf` for
   * that call's launch tokens. A copy of the machine has a different key, or none.
   */
  idempotencyKey?: string;
  /**
   * True if the machine carries the tags of its create call only, which made several machines. The caller then gives it a
   * name and tags of its own (`nameInstance`).
   */
  isUnnamed?: true;
  /** The cloud's own word for the machine's status. */
  cloudStatus?: string;
  /**
   * The reason why the machine failed or the cloud removed it, in the cloud's words. Only for `Failed`, `Terminating`
   * and `Terminated`. Absent if a user requested the removal. A list may leave out a reason that `getInstance`
   * returns: if the list has none, the caller reads the machine by id.
   */
  failureMessage?: string;
  /**
   * Classifies that reason, if the cloud's own code for it tells more than that the machine failed, for example that
   * the zone had no capacity, or that the machine exceeded a quota. Not for a machine that runs.
   */
  failureCode?: DriverErrorCode;
  /**
   * True if the cloud has taken a spot machine back. Only for `Terminating` and `Terminated`, and together with
   * `failureMessage`.
   */
  isInterrupted?: boolean;
  /** What the quota is about that the machine exceeded, if `failureCode` is `QuotaExceeded` and the cloud tells it. */
  failureQuota?: RefusedQuota;
}

/** What the records say about the machines of a network. */
export interface RecordedMachines {
  /**
   * Returns true if the machine was one of this deployment's, and the records say that it no longer exists.
   *
   * @param instanceId the instance that the machine was made for, if the cloud tells it. In a network that fleets share,
   *   only this id leads to the machine's record
   */
  isGone(backendId: string, instanceId?: string): Promise<boolean>;
}

/** Describes a network resource as the cloud reports it. */
export interface CloudNetworkResource {
  kind: NetworkResourceKind;
  backendId: string;
  /**
   * The `name` of the spec (`NetworkSpec`, `SecurityGroupSpec` or `KeyPairSpec`), which the driver reads from the
   * resource's name at the cloud. If that name does not have the form of `names.ts`: the name at the cloud.
   */
  name: string;
  createdAt?: string;
}

/**
 * Calls one cloud with the credential of one connection. A machine or network resource "of this deployment" carries
 * this deployment's tag. Without any deployment's tag, the resource must have a name in the form that `names.ts` gives
 * to this deployment. A client returns no other resources, so that the caller cannot delete these by mistake.
 *
 * Every request has a time-out, and a method ends within 30 seconds. A method that reads a long list may take longer.
 * Methods throw only `DriverError`. The error's message has the cloud's own words, but no part of the credential, of
 * user data or of a key. These are the codes:
 *
 * - `Throttled`: the call had no effect. The error has `retryAfterMs` and `limitPerSecond` if the cloud reported them
 *   (`retry-after.ts`). If waiting does not help, the code is `QuotaExceeded` instead.
 * - `Unavailable`: the cloud refused the request before acting on it, or could not be reached. The call had no effect.
 * - `OutcomeUnknown`: the request may have reached the cloud (time-out, reset or 5xx after sending). A read throws
 *   `Unavailable` instead.
 * - `Unauthorized`: the cloud refused the credential itself: the credential is invalid, has expired and cannot be
 *   renewed, or its account is blocked. Every other call of the connection fails, too.
 * - `Forbidden`: the cloud accepts the credential, and denies it this call. Examples: a missing right, a region that is
 *   denied by a policy or not enabled, an account that the cloud still validates there. The error's `call` names the
 *   request.
 * - `NoPermit`: a request of this call waited too long for its permit (`call-gate.ts`) and was not sent, or a volume
 *   that the call made is not ready yet. If the caller repeats the call, the call reuses what its earlier requests
 *   created.
 * - `NotFound`: the location or machine of the call does not exist.
 * - `InvalidRequest`, `Unsupported`: a repetition of the call would fail, too. Examples: an unknown location or type,
 *   an image that the type cannot boot, a bad CIDR.
 * - An error that a driver cannot classify is `OutcomeUnknown` for a change and `Unavailable` for a read. The error's
 *   `answered` is true if the cloud answered. After several equal answers in a row, the caller treats the error as a
 *   refusal.
 *
 * One call may need several requests to the cloud. If a request fails, either the driver removes what the earlier
 * requests created, or a repetition of the call finds and reuses it. If neither is possible, the call throws
 * `OutcomeUnknown`.
 *
 * Lists are read to the last page. SDK retries are off, because the governor must see each answer.
 *
 * `capabilities.ts` has the optional methods, which not every driver has.
 */
export interface CloudClient {
  /** Asks the cloud whether it accepts the credential. @returns the account that the credential belongs to */
  verifyCredential(): Promise<VerifiedCredential>;

  /** Lists every location that this credential may use, with its zones. Includes locations that are down. */
  listLocations(): Promise<Location[]>;
  /**
   * Lists the instance types at one location, with their prices there. Repeated calls return the same items. Only their
   * order and their prices may differ. The ids of offers are those of `offerId`, and never change.
   */
  listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }>;
  /**
   * Lists the images that a fleet may name, mainly the cloud's own images and other public images. Each name appears
   * once, with its newest image and the architectures that this image boots on.
   */
  listImages(location: string): Promise<Image[]>;

  /**
   * Makes a network with one subnet, or with a subnet in each zone, or returns this deployment's network of this name.
   * Idempotent, even for concurrent calls. A zone in which the cloud refuses to make the subnet is left out of the
   * answer's `zones`. The call fails if no zone is left.
   *
   * @throws DriverError QuotaExceeded, InvalidRequest; Conflict if a network outside this deployment has the name; the
   * deployment must neither use nor delete that network
   */
  ensureNetwork(spec: NetworkSpec): Promise<EnsuredNetwork>;
  ensureSecurityGroup(spec: SecurityGroupSpec): Promise<{ backendId: string }>;
  ensureKeyPair(spec: KeyPairSpec): Promise<{ backendId: string }>;
  /**
   * Returns the backend id of this deployment's resource with this name, if it exists. Callers use this method if the
   * answer to a call of `ensure…` was lost.
   */
  findNetworkResource(location: string, kind: NetworkResourceKind, name: string): Promise<string | undefined>;
  /** Lists every resource of one kind of this deployment at the location, to the last page, in any order. */
  listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]>;
  /**
   * Deletes the network. Succeeds if it no longer exists.
   *
   * @param machines what the records say about machines. A driver may ask for it before it removes what a machine that
   *   no longer exists has left in the network. Absent: nothing of a machine may be removed
   * @throws DriverError Conflict while a machine or a resource uses the network, with the name of what uses it; a
   *   repetition may succeed later
   */
  deleteNetwork(location: string, backendId: string, machines?: RecordedMachines): Promise<void>;
  deleteSecurityGroup(location: string, backendId: string): Promise<void>;
  deleteKeyPair(location: string, backendId: string): Promise<void>;

  /**
   * Requests one instance and returns as soon as the cloud has accepted the request, without waiting for the boot. If
   * the cloud answers only after the boot, the driver stops waiting after some seconds. It then looks the machine up by
   * the token, and returns the machine or throws `OutcomeUnknown`.
   *
   * At a cloud that honours tokens (feature `launch-tokens`), two calls with one launch token yield one instance, even
   * if the calls are concurrent. After any error except `OutcomeUnknown`, neither the instance nor anything that was
   * created only for it (address, disk, interface) exists. After `NoPermit` and `Throttled`, volumes for its disks may
   * exist. A repetition of the call uses them, and `listVolumes` shows them.
   *
   * @throws DriverError InsufficientCapacity, QuotaExceeded, InvalidRequest, OutcomeUnknown
   */
  createInstance(spec: InstanceSpec): Promise<CloudInstance>;

  /**
   * Reads one instance. @throws DriverError NotFound. Once `readableAfterMs` has passed since the answer to the create
   * call, or once the cloud has shown the instance running, `NotFound` proves that the instance does not exist
   */
  getInstance(location: string, backendId: string): Promise<CloudInstance>;

  /** Lists every instance of this deployment at the location, to the last page, in any order. */
  listInstances(location: string): Promise<CloudInstance[]>;

  /**
   * Finds an instance that carries this token. Until `consistencyWindowMs` has passed since the create call, undefined
   * proves nothing. A copy of an instance carries the token of the original. Therefore the caller must check whether
   * the found instance was created with the token (`MachineProof`).
   */
  findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined>;

  /**
   * Asks the cloud to remove the instance and everything that was created only for it. Succeeds if the instance no
   * longer exists or never existed. Success does not prove that the instance has been removed; only `listInstances`
   * shows that.
   *
   * @param instanceId the record that the instance belongs to, if the caller knows it. A driver may write it to what the
   * cloud could leave of the instance, so that the leftover can be recognized.
   */
  terminateInstance(location: string, backendId: string, instanceId?: string): Promise<void>;
}

export const INSTANCE_TAG = 'fleetwright:instance';
export const DEPLOYMENT_TAG = 'fleetwright:deployment';
/** Tags of machines with the names of their fleet and their node group, for people. They prove nothing. */
export const FLEET_TAG = 'fleetwright:fleet';
export const GROUP_TAG = 'fleetwright:node-group';
