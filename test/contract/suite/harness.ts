import type { CloudClient, Driver, InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import type { DriverErrorCode } from '../../../functions/drivers/contract/errors.ts';
import type { MachineFault } from '../../../functions/drivers/contract/machine-checks.ts';
import type { CapabilityName, DriverFeature } from '../../../functions/drivers/contract/metadata.ts';
import type { RefusedQuota } from '../../../functions/drivers/contract/quota.ts';
import type { Cloud } from '../../../functions/model/cloud.ts';
import type { Credential } from '../../../functions/model/connection.ts';
import type { RootDisk } from '../../../functions/model/disk.ts';
import type { GivenNetwork } from '../../../functions/model/network-choice.ts';
import type { ProxiedRequest } from '../../fault-proxy/exchange.ts';
import type { Dialect } from '../../fault-proxy/fault-proxy.ts';
import type { CannedAnswer, Fault, Faults } from '../../fault-proxy/faults.ts';

/** A driver with the server that it is tested against. `harnesses/index.ts` lists all harnesses. */
export interface Harness {
  readonly driver: Driver;
  /**
   * Starts the server, or finds a running server.
   *
   * @throws HarnessUnavailable if neither is possible on this machine
   */
  start(): Promise<CloudUnderTest>;
}

/**
 * Error that is thrown if there is no server to test against. The message says what the user must do first.
 */
export class HarnessUnavailable extends Error {
  override readonly name = 'HarnessUnavailable';
}

/**
 * One row of a driver's error table: an answer of the cloud, and the code of the error that the driver must
 * throw.
 */
export interface ErrorRow {
  /** Name of the row in reports, for instance the cloud's own code. */
  name: string;
  /** Name of the call that gets this answer, as `Dialect.callOf` returns it. */
  call: string;
  answer: CannedAnswer;
  code: DriverErrorCode;
  /** Words of the answer that the error's message must contain. */
  words: string;
  /** The call that the error must name if a permission is missing. */
  namesCall?: string;
  retryAfterMs?: number;
  limitPerSecond?: number;
  /** What the quota of the error must be about, and its figures. */
  quota?: RefusedQuota;
}

/**
 * Names of the requests that the methods of every driver make, as `Dialect.callOf` returns them. Faults refer
 * to these names.
 */
export interface CallNames {
  verify: string;
  /** A request that `listInstances` makes. */
  list: string;
  /** The request that makes an instance. */
  create: string;
  /** Further requests that `createInstance` makes after `create`, in order. */
  afterCreate: readonly string[];
  get: string;
  terminate: string;
  /** The request that makes a network. */
  ensureNetwork: string;
}

/** Options of a machine in a create request. */
/** The market of a create request, as the cloud's API has it. Empty: on-demand. */
export type SentMarket = Pick<InstanceSpec, 'market' | 'reservationId' | 'maxUsdPerHour'>;

export interface SentOptions {
  tags: Readonly<Record<string, string>>;
  identity?: string | undefined;
  placementGroup?: string | undefined;
  /** Whether the metadata service needs session tokens, and for how many hops it answers. */
  tokens?: string | undefined;
  hopLimit?: number | undefined;
}

/** A network that a user has made at the cloud, in the terms in which users give it. */
export interface UsersNetwork {
  given: GivenNetwork;
  remove(): Promise<void>;
}

/** A machine or a network of the suite. */
export interface Removable {
  location: string;
  backendId: string;
}

/** Something outside of the deployment that makes the cloud refuse a removal. */
export interface Obstacle {
  /** What the driver's error must contain: words of the cloud, or the name of what uses the network. */
  words: string;
  lift(): Promise<void>;
}

/** What a cloud may leave in the network of a machine that it has removed. */
export interface Leftover {
  /** Leaves the same in the network again, as a cloud does that did not remove it with the machine. */
  leave(): Promise<void>;
}

/**
 * Makes the cloud refuse a removal. If the server does not refuse such a removal itself, the fault proxy refuses it:
 * the function then arms `faults`.
 */
export type Obstruct = (removable: Removable, faults: Faults) => Promise<Obstacle>;

/**
 * Returns an obstacle that consists of the proxy's answer to one call.
 *
 * @param call name of the call that the cloud refuses
 */
export const refusedByProxy =
  (call: string, answer: CannedAnswer, words: string): Obstruct =>
  async (_removable, faults) => {
    faults.arm({ call, kind: 'answer', answer });
    return { words, lift: async () => faults.clear() };
  };

/** A server that simulates the cloud, and its properties. */
export interface CloudUnderTest {
  server: string;
  serverVersion: string;
  cloud: Cloud;
  /**
   * URLs of the server's parts, by names that the harness chooses. The fault proxy forwards requests to these
   * URLs.
   */
  upstreams: Readonly<Record<string, string>>;
  /** Returns the connection's endpoint. `urlOf` returns the proxy's URL for a part of the server. */
  endpoint(urlOf: (upstream: string) => string): string;
  dialect: Dialect;
  /** `proxy` if the server ignores launch tokens, so that the proxy must give one answer for each token. */
  idempotency: 'proxy' | 'server';
  /** True if the server's answers contain the server's addresses. The proxy must replace these addresses. */
  tellsAddresses?: boolean;
  calls: CallNames;

  credential: Credential;
  /**
   * A well-formed credential that the server refuses. If the server refuses no credential, the faults of
   * `credential.wrong` in `emulate` refuse this credential.
   */
  wrongCredential: Credential;

  location: string;
  secondLocation: string;
  unknownLocation: string;
  zone?: string;
  instanceType: string;
  /** The name of an image, as `listImages` returns it. */
  image: string;
  /** Returns the cloud's id of an image that `instanceType` cannot boot. */
  imageOfOtherArchitecture(client: CloudClient): Promise<string>;
  unknownImageBackendId: string;
  /** A well-formed id that no instance has. */
  unknownBackendId: string;
  publicKey: string;
  /** False if the cloud's security groups belong to no network. */
  groupsBelongToNetworks?: boolean;
  /**
   * Makes a network and a security group as a user does. Absent: a client of another deployment makes them.
   *
   * @param client the client of this deployment, which must be able to see them
   */
  makeUsersNetwork?(client: CloudClient, location: string, name: string): Promise<UsersNetwork>;
  /** Changes a spec for a cloud that needs more than the usual fields. */
  shapeSpec?(spec: InstanceSpec): InstanceSpec;

  /** Number of instances whose list needs two pages of the size that `dialect.rewrite` sets. */
  moreThanAPage: number;
  /** False if the cloud's lists have no pages. */
  pages?: boolean;
  /** Real time in ms after which the server's lists show a created machine. */
  consistencyWindowMs: number;
  /** Maximum real time in ms until a machine runs, has stopped or no longer exists. */
  timeLimitMs: number;

  /** All rows of the driver's error table. */
  errors: readonly ErrorRow[];
  /**
   * Faults that replace checks which the server does not make. The key is the id of the assertion that needs
   * the faults.
   */
  emulate?: Readonly<Record<string, readonly Fault[]>>;
  /** Returns the user data of a create request. No answer of the cloud contains the user data. */
  userDataOf?(request: ProxiedRequest): Buffer | undefined;
  /** An identity that a machine may have. Absent: the driver has no feature `identity`. */
  identity?: string;
  /** An identity that the cloud does not have. */
  unknownIdentity?: string;
  /** A placement group that exists at `location`. Absent: the driver has no feature `placement-groups`. */
  placementGroup?: string;
  /** Returns the options of a create request, as the cloud's API has them. Undefined for any other request. */
  optionsOf?(request: ProxiedRequest): SentOptions | undefined;
  /** Returns the market that a create request asks for. Absent: the driver has no capability `markets`. */
  marketOf?(request: ProxiedRequest): SentMarket;
  /** Returns the body of an answer in which the cloud is taking each running machine back, as a spot machine. */
  withInterruption?(body: string): string;
  /** A well-formed id that no reservation has. */
  unknownReservationId?: string;
  /** Returns the disks that a create request asks for, the root disk first; undefined for any other request. */
  disksOf?(request: ProxiedRequest): readonly Partial<RootDisk>[] | undefined;
  /**
   * Capabilities and features of the driver that this cloud does not have, because it lacks an optional service. Assertions
   * that need them are skipped.
   */
  lacks?: readonly (CapabilityName | DriverFeature)[];
  /** A disk type that is not the default one. */
  diskType?: string;
  /** A key with which the account may encrypt disks. */
  encryptionKeyId?: string;
  /** Keys with which the account cannot encrypt disks, with the code of the fault. */
  refusedKeys?: readonly { id: string; code: MachineFault['code'] }[];
  /** A well-formed id that no volume has. */
  unknownVolumeBackendId?: string;
  /** Returns the body of an answer without the addresses of machines, as a cloud answers that assigns them late. */
  withoutAddresses(body: string): string;

  /** Protects a machine from removal, for instance by termination protection. */
  protect: Obstruct;
  /**
   * Reads what the cloud may leave of a machine, with the marks that the driver has written. Called after the first
   * request to remove the machine. Absent: the cloud removes everything together with the machine.
   */
  leftoverOf?(machine: Removable): Promise<Leftover>;
  /** Makes something foreign use a network, for instance the interface of a load balancer. */
  occupy: Obstruct;

  /**
   * Reads the inbound rules of a security group at `location`, such as `tcp 443-443 10.0.0.0/8`, `icmp ::/0` or `udp 53-53
   * <id of a security group>`. Asks the server directly, without the driver.
   */
  rulesOf(securityGroupBackendId: string): Promise<string[]>;
  /** Resets the server to its state after the start. */
  reset(): Promise<void>;
  /**
   * Counts the suite's instances and network resources at the server, without terminated instances. Asks the
   * server directly, without the driver.
   */
  countLeft(): Promise<number>;
  stop(): Promise<void>;
}
