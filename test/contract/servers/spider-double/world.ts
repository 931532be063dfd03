import { Lock } from './lock.ts';
import type { MachineRequest } from './requests.ts';

export interface Named {
  NameId: string;
  SystemId: string;
}

/** A machine at the cloud. CB-Spider records the machine's name only after the start has ended. */
export interface CloudMachine extends Named {
  region: string;
  zone: string;
  status: string;
  /** Addresses that replace the constant addresses of the mock cloud. An empty address is not known yet. */
  addresses?: { publicIp: string; privateIp: string };
  startedAt: string;
  /** Time from which the machine is running, in ms since 1970. Absent while the machine is being started. */
  runningAtMs?: number;
  request: MachineRequest['ReqInfo'];
}

export type ResourceKind = 'vpc' | 'securitygroup' | 'keypair';
export interface CloudResource extends Named {
  region: string;
  vpcName?: string;
  /** The rules of a security group, as the request named them. */
  rules?: readonly object[];
}

/** One account of the mock cloud, identified by its MockName. */
export interface Account {
  machines: CloudMachine[];
  resources: Record<ResourceKind, CloudResource[]>;
}

export interface Config {
  provider: string;
  driver: string;
  credential: string;
  region: string;
}

/** CB-Spider's records of the machines and resources of one connection config. */
export interface Connection {
  machines: Map<string, string>;
  resources: Record<ResourceKind, Map<string, string>>;
  subnets: Map<string, { cidr: string; zone: string }>;
}

/** A refusal with a message of CB-Spider. The double answers all refusals with status 500. */
export class Refusal extends Error {}

/** The state of the double: the records of CB-Spider, and the accounts of the mock cloud. */
export class World {
  readonly drivers = new Map<string, { provider: string }>();
  readonly credentials = new Map<string, { mockName: string }>();
  readonly regions = new Map<string, { body: object; region: string; zone: string }>();
  readonly configs = new Map<string, Config>();
  readonly locks = new Lock();
  readonly #connections = new Map<string, Connection>();
  readonly #accounts = new Map<string, Account>();
  #next = 0;

  connection(name: string): Connection {
    const known = this.#connections.get(name);
    if (known) return known;
    const made: Connection = {
      machines: new Map(),
      resources: { vpc: new Map(), securitygroup: new Map(), keypair: new Map() },
      subnets: new Map(),
    };
    this.#connections.set(name, made);
    return made;
  }

  /**
   * Returns the account, region and zone of a connection. CB-Spider checks the references of a connection
   * config only when a request uses the connection.
   */
  resolve(connectionName: string): { account: Account; region: string; zone: string } {
    const config = this.configs.get(connectionName);
    if (!config) throw new Refusal(`${connectionName}: does not exist!`);
    const region = this.regions.get(config.region);
    if (!region) throw new Refusal(`${config.region}: does not exist!`);
    return {
      account: this.accountOf(config.driver, config.credential),
      region: region.region,
      zone: region.zone,
    };
  }

  accountOf(driver: string, credential: string): Account {
    if (!this.drivers.has(driver)) throw new Refusal(`${driver}: does not exist!`);
    const mockName = this.credentials.get(credential)?.mockName;
    if (mockName === undefined) throw new Refusal(`${credential}: does not exist!`);
    return this.account(mockName);
  }

  account(mockName: string): Account {
    const known = this.#accounts.get(mockName);
    if (known) return known;
    const made: Account = { machines: [], resources: { vpc: [], securitygroup: [], keypair: [] } };
    this.#accounts.set(mockName, made);
    return made;
  }

  /** Returns all accounts of the mock cloud. */
  accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  /** Returns a new id, and the name at the cloud. The name has a suffix unless `mode` is `OFF`. */
  newId(name: string, mode: 'ON' | 'OFF' | undefined): Named {
    this.#next += 1;
    const suffix = String(this.#next).padStart(20, '0');
    const NameId = mode === 'OFF' ? name : `${name}-${suffix}`;
    return { NameId, SystemId: `mock-${suffix}` };
  }
}
