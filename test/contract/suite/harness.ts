import type { CloudClient, Driver, InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import type { DriverErrorCode } from '../../../functions/drivers/contract/errors.ts';
import type { Cloud } from '../../../functions/model/cloud.ts';
import type { Credential } from '../../../functions/model/connection.ts';
import type { ProxiedRequest } from '../../fault-proxy/exchange.ts';
import type { Dialect } from '../../fault-proxy/fault-proxy.ts';
import type { CannedAnswer, Fault } from '../../fault-proxy/faults.ts';

/** What one driver brings to the contract suite; `harnesses/index.ts` has one line for each. */
export interface Harness {
  readonly driver: Driver;
  /**
   * Starts the server, or finds one that runs.
   *
   * @throws HarnessUnavailable when that is not possible here
   */
  start(): Promise<CloudUnderTest>;
}

/** There is no server to test against; the message says what to run first. */
export class HarnessUnavailable extends Error {
  override readonly name = 'HarnessUnavailable';
}

/** One row of a driver's error table: what the cloud says, and what it means. */
export interface ErrorRow {
  /** Of the row, such as the cloud's own code. */
  name: string;
  /** The dialect's name of the call that is answered so. */
  call: string;
  answer: CannedAnswer;
  code: DriverErrorCode;
  /** Words of the answer that the error's message has to repeat. */
  words: string;
  /** How the error names the call, where a right to it is missing. */
  namesCall?: string;
  retryAfterMs?: number;
  limitPerSecond?: number;
}

/** Names, by the dialect, of what the required methods ask of the cloud; faults are aimed at them. */
export interface CallNames {
  verify: string;
  /** A request that `listInstances` makes. */
  list: string;
  /** The request that makes an instance. */
  create: string;
  /** What else `createInstance` asks of the cloud after that, in order; empty when nothing. */
  afterCreate: readonly string[];
  get: string;
  terminate: string;
  /** The request that makes a network. */
  ensureNetwork: string;
}

/** A server that plays the cloud, and what is known of it. */
export interface CloudUnderTest {
  server: string;
  serverVersion: string;
  cloud: Cloud;
  /** Addresses of the server's parts, by names of the harness's; the fault proxy stands before each. */
  upstreams: Readonly<Record<string, string>>;
  /** The connection's endpoint, given where the proxy stands before each part. */
  endpoint(urlOf: (upstream: string) => string): string;
  dialect: Dialect;
  /** Whether the proxy has to give one token one answer, since the server does not. */
  idempotency: 'proxy' | 'server';
  /** Whether the server tells clients its own addresses, which the proxy then has to replace. */
  tellsAddresses?: boolean;
  calls: CallNames;

  credential: Credential;
  /** Well formed and refused; by the server, or else by faults in `emulate` under `credential.wrong`. */
  wrongCredential: Credential;

  location: string;
  secondLocation: string;
  unknownLocation: string;
  zone?: string;
  instanceType: string;
  /** The name of an image, as `listImages` has it. */
  image: string;
  /** The backend's id of an image that `instanceType` cannot boot. */
  imageOfOtherArchitecture(client: CloudClient): Promise<string>;
  unknownImageBackendId: string;
  /** Formed like an instance's id. */
  unknownBackendId: string;
  publicKey: string;
  /** For clouds that need more of a spec than its fields. */
  shapeSpec?(spec: InstanceSpec): InstanceSpec;

  /** More instances than one page of a list has, with what `dialect.rewrite` does about pages. */
  moreThanAPage: number;
  /** False: this cloud's lists have no pages at all. */
  pages?: boolean;
  /** Real time after which the server's lists show what was made; at least that of the driver where it runs in real time. */
  consistencyWindowMs: number;
  /** How long, in real time, a machine may take to run, to stop or to be gone. */
  timeLimitMs: number;

  /** Every row of the driver's error table. */
  errors: readonly ErrorRow[];
  /** Faults that make up for what the server does not check, by the id of the assertion that needs it. */
  emulate?: Readonly<Record<string, readonly Fault[]>>;
  /** What a create request carries, for features that nothing in the cloud's answers shows. */
  userDataOf?(request: ProxiedRequest): string | undefined;
  isSpot?(request: ProxiedRequest): boolean;

  /** Makes the server as it was after its start. */
  reset(): Promise<void>;
  /**
   * How many instances and network resources exist at the server that the suite has made, by whatever the server
   * itself knows: not by the driver. Terminated ones do not count.
   */
  countLeft(): Promise<number>;
  stop(): Promise<void>;
}
