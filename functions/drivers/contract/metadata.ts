import type { Cloud } from '../../model/cloud.ts';
import type { PublicKeyType } from '../../model/ssh-public-key.ts';

/** Describes one field of a driver's credential, for users and for forms. */
export interface CredentialField {
  name: string;
  description: string;
  secret: boolean;
  /**
   * True if a credential must have the field. For a field of an alternative: true if that alternative needs the field.
   */
  required: boolean;
  /** The driver's clouds that need the field. Absent: `required` holds for all clouds of the driver. */
  requiredBy?: readonly Cloud[];
  /** A JavaScript regular expression that the whole value must match. Absent: any value is accepted. */
  pattern?: string;
  /**
   * Name of the way to sign in (alternative) that this field belongs to, if the driver has several ways. A credential
   * has the fields of exactly one alternative, and may have fields without an alternative. The first declared
   * alternative is the recommended one.
   */
  alternative?: string;
}

/** Names the optional capabilities of a client. `capabilities.ts` has the contract of each. */
export const CAPABILITY_NAMES = [
  'stop-start',
  'reboot',
  'batch-create',
  'batch-terminate',
  'late-names',
  'list-by-id',
  'idempotency-keys',
  'quotas',
  'global-catalogue',
  'writer-marks',
  'rights-check',
  'existing-networks',
  'volumes',
  'machine-checks',
  'markets',
] as const;
export type CapabilityName = (typeof CAPABILITY_NAMES)[number];

/**
 * Names the optional features of a driver. Unlike a capability, a feature adds no method. The contract tests compare a
 * driver's behaviour with the features that it names. The features mean:
 *
 * - `tags`: the cloud keeps the tags of a spec. A resource's tags tell whether it belongs to this deployment; the name
 *   counts only for a resource without a deployment's tag
 * - `user-data`: machines get the user data of a spec
 * - `prices`: offers have prices
 * - `launch-tokens`: the cloud itself makes only one machine for one launch token, even for concurrent calls
 * - `group-sources`: a rule of a security group may allow traffic from the machines that have another security group
 * - `public-ips`: machines have a public IPv4 address, unless their spec says that they have none
 * - `private-only`: a machine whose spec says so has no public IPv4 address
 * - `private-route-out`: a machine without a public address reaches the internet from the networks that the driver makes
 * - `ipv6-rules`: a rule of a security group may allow traffic from IPv6 addresses
 * - `zones`: `ensureNetwork` returns the zones of the network, and the caller chooses one of them for each machine
 * - `disk-types`: a disk of a spec may name its type
 * - `disk-performance`: a disk of a spec may name its IOPS and its throughput
 * - `disk-encryption`: a disk of a spec may say whether it is encrypted
 * - `disk-keys`: a disk of a spec may name the customer's encryption key
 * - `data-disks`: machines get the data disks of a spec
 * - `identity`: a spec may name the identity with which the machine's programs call the cloud
 * - `placement-groups`: a spec may name a group that decides which hosts the machines get
 * - `metadata-options`: a spec may say who reaches the metadata service
 * - `kept-disks`: a data disk of a spec may be kept when its machine is removed; the client has the capability `volumes`
 */
export const DRIVER_FEATURES = [
  'tags',
  'user-data',
  'prices',
  'launch-tokens',
  'zones',
  'group-sources',
  'ipv6-rules',
  'public-ips',
  'private-only',
  'private-route-out',
  'disk-types',
  'disk-performance',
  'disk-encryption',
  'disk-keys',
  'data-disks',
  'kept-disks',
  'identity',
  'placement-groups',
  'metadata-options',
] as const;
export type DriverFeature = (typeof DRIVER_FEATURES)[number];

/** The least and the greatest value that a type of disk accepts. */
export interface DiskRange {
  min: number;
  max: number;
}

/** Price of a type of disk, in US dollars a month. An absent part costs nothing. */
export interface DiskPrice {
  usdPerGbMonth: number;
  /** Price of each I/O operation per second above a number, up to the number of the next step. */
  iops?: readonly PriceStep[];
  /** Price of each MiB per second above a number. */
  throughputMbps?: readonly PriceStep[];
}

export interface PriceStep {
  above: number;
  usdPerMonth: number;
}

/** What a type of disk accepts. An absent range means that the type does not accept the field. */
export interface DiskType {
  sizeGb: DiskRange;
  /** `perGb`: maximum for each GB of the disk's size. `isNeeded`: a disk of this type must name its IOPS. */
  iops?: DiskRange & { perGb?: number; isNeeded?: true };
  throughputMbps?: DiskRange;
  /** False if machines cannot boot from such a disk. */
  isBootable?: false;
  /** Absent: the price is not known. */
  price?: DiskPrice;
}

/** What a cloud accepts as tags of a machine. */
export interface TagRules {
  /** Maximum number of tags of a user. The driver's own tags are not among them. */
  most: number;
  /** A JavaScript regular expression that a whole key must match. */
  keyPattern: string;
  /** Maximum lengths, in characters. */
  maxKeyLength: number;
  maxValueLength: number;
  /** Keys that a user must not give. A name that ends with `*` stands for all keys that begin with it, in any case. */
  reserved: readonly string[];
}

/**
 * Names the ways to prove that a create call of this deployment created a machine, and that the machine is not a copy
 * (`ownership/prove-machine.ts`):
 *
 * - `idempotency-key`: the cloud reports the idempotency key of the create call; the client has `idempotencyKeyOf`
 * - `creation-time`: the machine carries a launch token, and was created during that launch attempt
 */
export type MachineProof = 'idempotency-key' | 'creation-time';

/**
 * Describes a driver. The description is pure data in `drivers/<name>/metadata.ts`, so that the API's bundle can
 * contain it without the driver's code and the cloud's SDK.
 */
export interface DriverMetadata {
  /** Equals the name of the driver's folder, for every registered driver. */
  readonly name: string;
  /** The display name. */
  readonly title: string;
  readonly clouds: readonly Cloud[];
  /**
   * `own`: the driver knows the cloud's address, and a connection may override it only if the deployment allows
   * overrides. `required`: the driver knows no address, and each connection must name one. If the deployment does not
   * allow overrides, that address must use https.
   */
  readonly endpoint: 'own' | 'required';
  readonly credentialFields: readonly CredentialField[];
  /**
   * `locational`: each location's catalogue is read separately. `global`: one call returns all locations, and the
   * client has `listOffersEverywhere`.
   */
  readonly apiKind: 'global' | 'locational';
  /**
   * Age of a catalogue, in minutes, at which it is read again. The catalogue may get older if the deployment's schedule
   * runs less often.
   */
  readonly inventoryPollMinutes: number;
  /**
   * Interval, in seconds, between two lists of a location's machines while a machine there is in transition. At least 1.
   * A list goes out earlier if a queued launch waits for a slot, and later if the rate limit allows no earlier call.
   */
  readonly statusPollSeconds: number;
  /**
   * Time in ms after a create call during which `listInstances` and `findInstanceByToken` may still miss the instance.
   * Only after this time, "not found" proves that the cloud made nothing.
   */
  readonly consistencyWindowMs: number;
  /**
   * Time in ms after the answer to a create call during which `getInstance` may still answer `NotFound` for the new
   * instance. Absent: `consistencyWindowMs`.
   */
  readonly readableAfterMs?: number;
  /**
   * Maximum time in ms from sending a create call to the creation time that the cloud reports for the machine. A
   * machine with a launch token and a later creation time is a copy.
   */
  readonly longestCreateMs: number;
  /**
   * The proofs (`MachineProof`) that this driver's clouds can give. One proof is enough. If `idempotency-key` is the
   * only proof, a machine without a key is unproven.
   */
  readonly machineProof: readonly [MachineProof, ...MachineProof[]];
  /** `unique`: the cloud never reuses a backend id. `names`: the id is a name, which a later machine may also get. */
  readonly backendIds: 'unique' | 'names';
  /**
   * Maximum length of a name, in characters, that all clouds of this driver accept. At least 30. `names.ts` makes names
   * that are not longer.
   */
  readonly maxNameLength: number;
  /**
   * The users' own public keys that machines may have: how many each, and of which types. Absent: the driver's clouds take
   * no public key of a user.
   */
  readonly publicKeys?: { readonly maxPerMachine: number; readonly types: readonly PublicKeyType[] };
  /**
   * Maximum number of inbound rules of one security group. The lowest maximum of the driver's clouds, or of a project's
   * usual quota.
   */
  readonly maxInboundRules: number;
  /**
   * Names of `list` and `mutate` actions, as the driver passes them to the call gate, that a limit profile may meter in
   * buckets of their own. Absent: none.
   */
  readonly meteredActions?: readonly string[];
  /** `defineDriver` ensures that the clients have exactly the methods of these capabilities. */
  readonly capabilities: readonly CapabilityName[];
  readonly features: readonly DriverFeature[];
  /**
   * A JavaScript regular expression that the whole id of an image at the driver's clouds matches. A fleet may then name
   * an image by its id, which `verifyMachine` checks. By cloud, where the driver's clouds have different forms. Absent, or
   * absent for a cloud: a fleet names only images of the catalogue.
   */
  readonly imageIdPattern?: string | Readonly<Partial<Record<Cloud, string>>>;
  /**
   * The classes of instance types whose vCPUs the driver's clouds count together. Absent: there are no such classes.
   * `named`: for each class, a JavaScript regular expression that the names of its types begin with. `others`: the class of all
   * other types.
   */
  readonly quotaClasses?: { readonly named: Readonly<Record<string, string>>; readonly others: string };
  /** What the driver's clouds accept as tags of a machine. Absent: a driver without the feature `tags`. */
  readonly tagRules?: TagRules;
  /**
   * The types of disks that the driver's clouds have, by name. The API refuses other names, and values that the type does
   * not accept. Absent: only the cloud knows its types, and refuses a wrong name at the launch.
   */
  readonly diskTypes?: Readonly<Record<string, DiskType>>;
  /** The locations at which the prices of `diskTypes` hold. Absent: all. */
  readonly diskPriceLocations?: readonly string[];
  /**
   * True if a volume that is to be deleted with its machine may outlive the machine. The caller then looks for volumes
   * after each removal of a machine that has any, and removes them. Only for drivers with the capability `volumes`.
   */
  readonly volumesOutliveMachines?: boolean;
  /** The type of a disk that names none. Absent: the cloud chooses the type. */
  readonly defaultDiskType?: string;
}
