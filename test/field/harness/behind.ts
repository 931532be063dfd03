import type { Credential, DriverName } from '../../../functions/model/connection.ts';
import { plantInstance } from '../../../local/sim/engine/plant.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import type { Ec2World } from '../worlds/ec2/world.ts';
import type { Field, Worlds } from './field.ts';
import { SITES } from './sites.ts';

/** The scripted clouds of all drivers except for `sim`. */
export type AllWorlds = Required<Worlds> & { aws: Ec2World };

export interface Backup {
  /** Makes a machine from the backup. @returns the id of the new machine */
  restore(): string;
}

/** Reads the state of a driver's cloud, and changes machines there without the control plane. */
export interface Behind {
  /** Returns the ids of machines that have not ended, in every account. */
  standing(): string[];
  /** Backs up a machine with its name and tags. A restore of the backup makes another machine. */
  backUp(id: string): Backup;
  /** Ends a machine, as a user does in the cloud's console. */
  end(id: string): void;
  /** Stops a machine. It then has no public address. */
  stop(id: string): void;
  /** Starts a stopped machine, which gets this public address. */
  start(id: string, publicIp: string): void;
  /** Gives a running machine another public address. */
  readdress(id: string, publicIp: string): void;
  /** Gives a machine another type. */
  resize(id: string, instanceType: string): void;
  /** Makes the cloud remove a machine slowly, so that lists show it for a while as being removed. */
  beginEnd(id: string, forMs: number): void;
  /** Makes the cloud give up a removal that has begun. The machine runs on. */
  giveUpEnd(id: string): void;
  /** Returns the number of lists of the machines of a site. */
  lists(sinceMs?: number): number;
  /** Returns the number of requests to end a machine that have reached the cloud. */
  removals(sinceMs?: number): number;
  /** A credential of another account of the same cloud. */
  other: Credential;
}

/** Opens the cloud of a driver's site in `SITES`. */
export function behind(driver: DriverName, field: Field<AllWorlds>): Behind {
  return { sim: simulated, aws: ec2, openstack: openStack, 'cb-spider': spider }[driver](field);
}

function simulated({ lab, ground }: Field<AllWorlds>): Behind {
  const { clouds } = lab;
  const alive = () =>
    clouds.machines().filter(({ status, vanished }) => status !== 'Terminated' && !vanished);
  const one = (id: string) => {
    const found = clouds.machines().find(({ backendId }) => backendId === id);
    if (!found) throw new Error(`the cloud has no machine ${id}`);
    return found;
  };
  const put = (id: string, fields: Partial<InstanceRecord>) => {
    const { status: _status, ours: _ours, ...record } = one(id);
    clouds.engine.world.commit({ kind: 'instance', record: { ...record, ...fields } });
  };
  const powered = (kind: 'stop' | 'start') => ({ kind, askedAtMs: ground.now(), doneAtMs: ground.now() });
  return {
    standing: () => alive().map(({ backendId }) => backendId),
    backUp: (id) => {
      const { cloud, account, location, name, tags, launchToken, instanceType, networkId } = one(id);
      const site = { cloud, connection: account, location };
      const planted = { ...site, name, tags, launchToken, instanceType, networkId };
      return { restore: () => plantInstance(clouds.engine.world, planted).backendId };
    },
    end: (id) => put(id, { removeAskedAtMs: ground.now(), terminatedAtMs: ground.now() }),
    stop: (id) => put(id, { power: powered('stop') }),
    start: (id, publicIp) => put(id, { publicIp, power: powered('start') }),
    readdress: (id, publicIp) => put(id, { publicIp }),
    resize: (id, instanceType) => put(id, { instanceType }),
    beginEnd: (id, forMs) => put(id, { removeAskedAtMs: ground.now(), terminatedAtMs: ground.now() + forMs }),
    giveUpEnd: (id) => {
      const {
        removeAskedAtMs: _asked,
        terminatedAtMs: _ends,
        status: _status,
        ours: _ours,
        ...record
      } = one(id);
      clouds.engine.world.commit({ kind: 'instance', record });
    },
    lists: (sinceMs = 0) =>
      clouds.asked.filter(({ call, atMs }) => call === 'list' && atMs >= sinceMs).length,
    removals: (sinceMs = 0) =>
      clouds.asked.filter(({ call, atMs }) => call === 'terminate' && atMs >= sinceMs).length,
    other: { account: 'account-2' },
  };
}

function ec2({ worlds: { aws }, ground }: Field<AllWorlds>): Behind {
  const region = () => aws.region(SITES.aws.location);
  return {
    standing: () => aws.standing(ground.now()).map(({ id }) => id),
    backUp: (id) => ({ restore: () => aws.restore(region(), { id }, ground.now()).id }),
    end: (id) => {
      region().machine(id).endsAtMs = ground.now();
    },
    stop: (id) => {
      region().machine(id).stoppedAtMs = ground.now();
    },
    start: (id, publicIp) => {
      const machine = region().machine(id);
      delete machine.stoppedAtMs;
      machine.publicIp = publicIp;
    },
    readdress: (id, publicIp) => {
      region().machine(id).publicIp = publicIp;
    },
    resize: (id, instanceType) => {
      region().machine(id).type = instanceType;
    },
    beginEnd: (id, forMs) => {
      region().machine(id).endsAtMs = ground.now() + forMs;
    },
    giveUpEnd: (id) => {
      delete region().machine(id).endsAtMs;
    },
    lists: (sinceMs) => aws.script.calls('DescribeInstances', sinceMs).length,
    // Dry runs, which check rights, are not answered with 200.
    removals: (sinceMs) =>
      aws.script.calls('TerminateInstances', sinceMs).filter(({ status }) => status === 200).length,
    other: { accessKeyId: 'AKIDOTHER', secretAccessKey: 'secret-key-of-another' },
  };
}

function openStack({ worlds: { openstack }, ground }: Field<AllWorlds>): Behind {
  const project = () => openstack.project();
  const server = (id: string) => {
    const found = project().servers.get(id);
    if (!found) throw new Error(`the cloud has no server ${id}`);
    return found;
  };
  return {
    standing: () => openstack.standing(ground.now()).map(({ id }) => id),
    backUp: (id) => ({ restore: () => openstack.restore(project(), { id }, ground.now()).id }),
    end: (id) => {
      server(id).goneAtMs = ground.now();
    },
    stop: (id) => {
      const stopped = server(id);
      stopped.stuck = { status: 'SHUTOFF' };
      delete stopped.floating;
    },
    start: (id, publicIp) => {
      const started = server(id);
      delete started.stuck;
      started.floating = publicIp;
    },
    readdress: (id, publicIp) => {
      server(id).floating = publicIp;
    },
    resize: (id, instanceType) => {
      server(id).flavor = instanceType;
    },
    beginEnd: (id, forMs) => {
      server(id).goneAtMs = ground.now() + forMs;
    },
    giveUpEnd: (id) => {
      delete server(id).goneAtMs;
    },
    lists: (sinceMs) => openstack.script.calls('GET nova /servers/detail', sinceMs).length,
    removals: (sinceMs) => openstack.script.calls('DELETE nova /servers/*', sinceMs).length,
    other: {
      applicationCredentialId: 'credential-2',
      applicationCredentialSecret: 'secret-of-another',
    },
  };
}

/**
 * Identifies machines by the ids of the cloud behind CB-Spider. Records have names instead, because CB-Spider
 * identifies machines by name.
 */
function spider({ worlds: { 'cb-spider': world }, ground }: Field<AllWorlds>): Behind {
  const accounts = ['account-1', 'account-2'];
  const all = () => accounts.flatMap((name) => world.standing(name));
  const find = (id: string) => {
    const found = all().find(({ SystemId, NameId }) => SystemId === id || NameId === id);
    if (!found) throw new Error(`the cloud has no machine ${id}`);
    return found;
  };
  return {
    standing: () => all().map(({ SystemId }) => SystemId),
    backUp: (id) => {
      const machine = find(id);
      return { restore: () => world.restore('account-1', machine, ground.now()).SystemId };
    },
    end: (id) => world.end('account-1', find(id)),
    stop: (id) => {
      const machine = find(id);
      machine.status = 'Suspended';
      machine.addresses = { publicIp: '', privateIp: '1.2.3.4' };
    },
    start: (id, publicIp) => {
      const machine = find(id);
      machine.status = 'Running';
      machine.addresses = { publicIp, privateIp: '1.2.3.4' };
    },
    readdress: (id, publicIp) => {
      find(id).addresses = { publicIp, privateIp: '1.2.3.4' };
    },
    resize: (id, instanceType) => {
      const machine = find(id);
      machine.request = { ...machine.request, VMSpecName: instanceType };
    },
    beginEnd: (id, forMs) => {
      const machine = find(id);
      machine.status = 'Terminating';
      void ground.sleep(forMs).then(() => {
        if (machine.status === 'Terminating') world.end('account-1', machine);
      });
    },
    giveUpEnd: (id) => {
      find(id).status = 'Running';
    },
    lists: (sinceMs) => world.script.calls('GET vmstatus', sinceMs).length,
    removals: (sinceMs) => world.script.calls(/^DELETE (vm|cspvm)$/, sinceMs).length,
    other: { ...SITES['cb-spider'].request.credential, MockName: 'account-2' },
  };
}
