import type * as z from 'zod';
import type { keyPairSchema, securityGroupSchema, subnetSchema, vpcSchema } from './requests.ts';
import { type CloudResource, Refusal, type ResourceKind, type World } from './world.ts';

const TITLES = { vpc: 'VPC', securitygroup: 'Security Group', keypair: 'VM KeyPair' } as const;

interface MakeRequest {
  ConnectionName: string;
  IDTransformMode?: 'ON' | 'OFF' | undefined;
  ReqInfo: { Name: string };
}

/**
 * Keeps networks, security groups and key pairs. Unlike CB-Spider's mock driver, refuses to delete a resource
 * that is in use.
 */
export class Resources {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async makeVpc(body: z.output<typeof vpcSchema>): Promise<object> {
    const { ConnectionName, ReqInfo } = body;
    const made = await this.#make('vpc', body, () => ({}));
    for (const { Name, IPv4_CIDR, Zone } of ReqInfo.SubnetInfoList)
      this.#keepSubnet(ConnectionName, ReqInfo.Name, Name, IPv4_CIDR, Zone);
    return { ...made, ...this.vpc(ConnectionName, ReqInfo.Name) };
  }

  addSubnet(vpcName: string, { ConnectionName, ReqInfo }: z.output<typeof subnetSchema>): object {
    this.#systemId('vpc', ConnectionName, vpcName);
    const { subnets } = this.#world.connection(ConnectionName);
    if (subnets.has(`${vpcName}/${ReqInfo.Name}`))
      throw new Refusal(`Subnet '${ReqInfo.Name}' already exists in connection '${ConnectionName}'`);
    this.#keepSubnet(ConnectionName, vpcName, ReqInfo.Name, ReqInfo.IPv4_CIDR, ReqInfo.Zone);
    return this.vpc(ConnectionName, vpcName);
  }

  vpc(connectionName: string, name: string): object {
    const SystemId = this.#systemId('vpc', connectionName, name);
    const subnets = [...this.#world.connection(connectionName).subnets].flatMap(([key, { cidr, zone }]) => {
      const [vpcName, NameId = ''] = key.split('/');
      return vpcName === name ? [{ IId: { NameId, SystemId: NameId }, Zone: zone, IPv4_CIDR: cidr }] : [];
    });
    return { IId: { NameId: name, SystemId }, IPv4_CIDR: '', SubnetInfoList: subnets };
  }

  async makeSecurityGroup(body: z.output<typeof securityGroupSchema>): Promise<object> {
    const { VPCName, SecurityRules } = body.ReqInfo;
    this.#systemId('vpc', body.ConnectionName, VPCName);
    const rest = { vpcName: VPCName, rules: SecurityRules };
    return { ...(await this.#make('securitygroup', body, () => rest)), SecurityRules };
  }

  securityGroup(connectionName: string, name: string): object {
    const { account } = this.#world.resolve(connectionName);
    const SystemId = this.#systemId('securitygroup', connectionName, name);
    const found = account.resources.securitygroup.find((one) => one.SystemId === SystemId);
    const { vpcName = '', rules = [] } = found ?? {};
    return {
      IId: { NameId: name, SystemId },
      VpcIID: { NameId: vpcName, SystemId: this.#systemId('vpc', connectionName, vpcName) },
      SecurityRules: rules,
    };
  }

  async makeKeyPair(body: z.output<typeof keyPairSchema>): Promise<object> {
    const made = await this.#make('keypair', body, () => ({}));
    return {
      ...made,
      Fingerprint: 'XXXXFingerprint',
      PublicKey: 'XXXXPublicKey',
      PrivateKey: 'XXXXPrivateKey',
    };
  }

  all(kind: ResourceKind, connectionName: string): object {
    const { account } = this.#world.resolve(connectionName);
    const known = [...this.#world.connection(connectionName).resources[kind]];
    const mapped = new Set(known.map(([, SystemId]) => SystemId));
    const iids = known.map(([NameId, SystemId]) => ({ NameId, SystemId }));
    const rest = account.resources[kind].filter(({ SystemId }) => !mapped.has(SystemId));
    const OnlyCSPList = rest.map(({ NameId, SystemId }) => ({ NameId, SystemId }));
    return { AllList: { MappedList: iids, OnlySpiderList: [], OnlyCSPList } };
  }

  delete(kind: ResourceKind, connectionName: string, name: string): object {
    const { account } = this.#world.resolve(connectionName);
    const systemId = this.#systemId(kind, connectionName, name);
    const connection = this.#world.connection(connectionName);
    const isUsed =
      (kind === 'vpc' &&
        (account.machines.some(({ request }) => request.VPCName === name) ||
          account.resources.securitygroup.some(({ vpcName }) => vpcName === name))) ||
      (kind === 'securitygroup' &&
        account.machines.some(({ request }) => request.SecurityGroupNames.includes(name)));
    if (isUsed) throw new Refusal(`DependencyViolation: resource ${systemId} has a dependent object`);
    account.resources[kind] = account.resources[kind].filter(({ SystemId }) => SystemId !== systemId);
    connection.resources[kind].delete(name);
    if (kind === 'vpc') {
      for (const key of [...connection.subnets.keys()])
        if (key.startsWith(`${name}/`)) connection.subnets.delete(key);
    }
    return { Result: 'true' };
  }

  async #make(
    kind: ResourceKind,
    { ConnectionName, IDTransformMode, ReqInfo: { Name } }: MakeRequest,
    rest: () => Partial<CloudResource>,
  ): Promise<object> {
    return await this.#world.locks.hold(`${kind}/${ConnectionName}/${Name}`, async () => {
      const { account, region } = this.#world.resolve(ConnectionName);
      const { resources } = this.#world.connection(ConnectionName);
      if (resources[kind].has(Name))
        throw new Refusal(`${TITLES[kind]} '${Name}' already exists in connection '${ConnectionName}'`);
      const made = { ...this.#world.newId(Name, IDTransformMode), region, ...rest() };
      account.resources[kind].push(made);
      resources[kind].set(Name, made.SystemId);
      return { IId: { NameId: Name, SystemId: made.SystemId } };
    });
  }

  #keepSubnet(connection: string, vpc: string, name: string, cidr: string, zone = ''): void {
    this.#world.connection(connection).subnets.set(`${vpc}/${name}`, { cidr, zone });
  }

  #systemId(kind: ResourceKind, connectionName: string, name: string): string {
    const systemId = this.#world.connection(connectionName).resources[kind].get(name);
    if (systemId !== undefined) return systemId;
    throw new Refusal(`${TITLES[kind]} '${name}' does not exist in connection '${connectionName}'`);
  }
}
