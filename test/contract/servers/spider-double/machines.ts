import { systemClock, type Timer } from '../../../../functions/platform/runtime/clock.ts';
import { IMAGES, SPECS } from './catalogue.ts';
import type { MachineRequest } from './requests.ts';
import { type CloudMachine, Refusal, type World } from './world.ts';

/** Durations of the test double's operations, in ms. A real CB-Spider needs minutes. */
export interface Pace {
  /** Time from the request until the machine exists at the cloud. */
  prepareMs: number;
  /** Time after `prepareMs` until CB-Spider answers. CB-Spider answers only when SSH is reachable. */
  startMs: number;
  terminateMs: number;
}

/** Starts, reads, controls and removes machines as CB-Spider's common runtime does. */
export class Machines {
  readonly #world: World;
  readonly #pace: Pace;
  readonly #clock: Timer;

  constructor(world: World, pace: Pace, clock: Timer = systemClock) {
    this.#world = world;
    this.#pace = pace;
    this.#clock = clock;
  }

  async start({ ConnectionName, IDTransformMode, ReqInfo }: MachineRequest): Promise<object> {
    const { Name } = ReqInfo;
    return await this.#world.locks.hold(`${ConnectionName}/${Name}`, async () => {
      const connection = this.#world.connection(ConnectionName);
      if (connection.machines.has(Name)) {
        throw new Refusal(`VM '${Name}' already exists in connection '${ConnectionName}'`);
      }
      const { account, region, zone } = this.#world.resolve(ConnectionName);
      const subnet = connection.subnets.get(`${ReqInfo.VPCName}/${ReqInfo.SubnetName}`);
      const has = (kind: string, name: string, known: boolean) => {
        if (!known) throw new Refusal(`${kind} '${name}' does not exist in connection '${ConnectionName}'`);
      };
      has('Subnet', ReqInfo.SubnetName, subnet !== undefined);
      has('VM KeyPair', ReqInfo.KeyPairName, connection.resources.keypair.has(ReqInfo.KeyPairName));
      for (const name of ReqInfo.SecurityGroupNames)
        has('Security Group', name, connection.resources.securitygroup.has(name));
      if (!IMAGES.some(({ IId }) => IId.NameId === ReqInfo.ImageName))
        throw new Refusal(`${ReqInfo.ImageName} image does not exist!!`);
      if (!SPECS.some((spec) => spec.Name === ReqInfo.VMSpecName))
        throw new Refusal(`${ReqInfo.VMSpecName} VMSpec does not exist!!`);
      const machine: CloudMachine = {
        ...this.#world.newId(Name, IDTransformMode),
        region,
        zone: subnet?.zone || zone,
        status: 'Running',
        startedAt: new Date(this.#clock.now()).toISOString(),
        request: ReqInfo,
      };
      await this.#clock.sleep(this.#pace.prepareMs);
      account.machines.push(machine);
      await this.#clock.sleep(this.#pace.startMs);
      machine.runningAtMs = this.#clock.now();
      connection.machines.set(Name, machine.SystemId);
      return infoOf(machine, Name);
    });
  }

  async get(connectionName: string, name: string): Promise<object> {
    return await this.#world.locks.hold(`${connectionName}/${name}`, async () =>
      infoOf(this.#find(connectionName, name), name),
    );
  }

  status(connectionName: string, name: string): object {
    return { Status: this.#find(connectionName, name).status };
  }

  statuses(connectionName: string): object {
    this.#world.resolve(connectionName);
    const { machines } = this.#world.connection(connectionName);
    const vmstatus = [...machines].map(([NameId, SystemId]) => ({
      IId: { NameId, SystemId },
      VmStatus: this.#atCloud(connectionName, SystemId)?.status ?? 'NotExist',
    }));
    return { vmstatus };
  }

  /** Returns all machines of the account in all regions, as CB-Spider's mock driver does. */
  all(connectionName: string): object {
    const { account } = this.#world.resolve(connectionName);
    const { machines } = this.#world.connection(connectionName);
    const mapped = new Set(machines.values());
    const infos = (isMapped: boolean) =>
      account.machines
        .filter(({ SystemId }) => mapped.has(SystemId) === isMapped)
        .map((machine) => infoOf(machine, machine.NameId));
    if (account.machines.length === 0 && machines.size === 0) {
      return {
        ResourceType: 'vm',
        AllListInfo: { MappedInfoList: null, OnlySpiderList: null, OnlyCSPInfoList: null },
      };
    }
    const OnlySpiderList = [...machines]
      .filter(([, SystemId]) => !this.#atCloud(connectionName, SystemId))
      .map(([NameId, SystemId]) => ({ NameId, SystemId }));
    const AllListInfo = { MappedInfoList: infos(true), OnlySpiderList, OnlyCSPInfoList: infos(false) };
    return { ResourceType: 'vm', AllListInfo };
  }

  control(connectionName: string, name: string, action: string | null): object {
    const machine = this.#find(connectionName, name);
    switch (action) {
      case 'suspend':
        machine.status = 'Suspended';
        return { Status: 'Suspending' };
      case 'resume':
        machine.status = 'Running';
        return { Status: 'Resuming' };
      case 'reboot':
        if (machine.status === 'Suspended') throw new Refusal('reboot not supported in SUSPENDED status');
        return { Status: 'Rebooting' };
      default:
        throw new Refusal(`${action} is not a valid action!!`);
    }
  }

  async terminate(connectionName: string, name: string): Promise<object> {
    return await this.#world.locks.hold(`${connectionName}/${name}`, async () => {
      const { SystemId } = this.#find(connectionName, name);
      await this.#remove(connectionName, SystemId);
      this.#world.connection(connectionName).machines.delete(name);
      return { Status: 'Terminating' };
    });
  }

  /** Terminates a machine by the cloud's id, even if CB-Spider does not know the machine. */
  async terminateAtCloud(connectionName: string, systemId: string): Promise<object> {
    if (!this.#atCloud(connectionName, systemId)) throw new Refusal(`${systemId} vm iid does not exist!!`);
    await this.#remove(connectionName, systemId);
    return { Status: 'Terminating' };
  }

  async #remove(connectionName: string, systemId: string): Promise<void> {
    const { account } = this.#world.resolve(connectionName);
    const machine = account.machines.find(({ SystemId }) => SystemId === systemId);
    if (machine) machine.status = 'Terminating';
    await this.#clock.sleep(this.#pace.terminateMs);
    account.machines = account.machines.filter(({ SystemId }) => SystemId !== systemId);
  }

  #find(connectionName: string, name: string): CloudMachine {
    const systemId = this.#world.connection(connectionName).machines.get(name);
    const machine = systemId === undefined ? undefined : this.#atCloud(connectionName, systemId);
    if (machine) return machine;
    throw new Refusal(`VM '${name}' does not exist in connection '${connectionName}'`);
  }

  #atCloud(connectionName: string, systemId: string): CloudMachine | undefined {
    const { account } = this.#world.resolve(connectionName);
    return account.machines.find(({ SystemId }) => SystemId === systemId);
  }
}

function infoOf(
  { SystemId, region, zone, startedAt, request, addresses }: CloudMachine,
  NameId: string,
): object {
  return {
    IId: { NameId, SystemId },
    StartTime: startedAt,
    Region: { Region: region, Zone: zone },
    ImageIId: { NameId: request.ImageName, SystemId: request.ImageName },
    VMSpecName: request.VMSpecName,
    VpcIID: { NameId: request.VPCName, SystemId: '' },
    SubnetIID: { NameId: request.SubnetName, SystemId: '' },
    KeyPairIId: { NameId: request.KeyPairName, SystemId: '' },
    PublicIP: addresses?.publicIp ?? '4.3.2.1',
    PrivateIP: addresses?.privateIp ?? '1.2.3.4',
    RootDiskType: 'SSD',
    RootDiskSize: '32',
  };
}
