import type { Credential, DriverName } from '../../../functions/model/connection.ts';
import { plantInstance } from '../../../local/sim/engine/plant.ts';
import type { Field, Worlds } from './field.ts';
import { SITES } from './sites.ts';

/** The scripted clouds of all drivers except for `sim`. */
export type AllWorlds = Required<Worlds>;

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
  return {
    standing: () => alive().map(({ backendId }) => backendId),
    backUp: (id) => {
      const { cloud, account, location, name, tags, launchToken, instanceType, networkId } = one(id);
      const site = { cloud, connection: account, location };
      const planted = { ...site, name, tags, launchToken, instanceType, networkId };
      return { restore: () => plantInstance(clouds.engine.world, planted).backendId };
    },
    end: (id) => {
      const { status: _status, ours: _ours, ...record } = one(id);
      const nowMs = ground.now();
      clouds.engine.world.commit({
        kind: 'instance',
        record: { ...record, removeAskedAtMs: nowMs, terminatedAtMs: nowMs },
      });
    },
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
    removals: (sinceMs) => aws.script.calls('TerminateInstances', sinceMs).length,
    other: { accessKeyId: 'AKIDOTHER', secretAccessKey: 'secret-key-of-another' },
  };
}

function openStack({ worlds: { openstack }, ground }: Field<AllWorlds>): Behind {
  const project = () => openstack.project();
  return {
    standing: () => openstack.standing(ground.now()).map(({ id }) => id),
    backUp: (id) => ({ restore: () => openstack.restore(project(), { id }, ground.now()).id }),
    end: (id) => {
      const server = project().servers.get(id);
      if (server) server.goneAtMs = ground.now();
    },
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
    removals: (sinceMs) => world.script.calls(/^DELETE (vm|cspvm)$/, sinceMs).length,
    other: { ...SITES['cb-spider'].request.credential, MockName: 'account-2' },
  };
}
