import { describe, expect, it } from 'vitest';
import {
  type Abilities,
  chooseNetworks,
  type LocatedGroup,
} from '../../../../functions/features/fleets/choose-networks.ts';
import type { Connection } from '../../../../functions/model/connection.ts';
import type { NodeGroupRequest } from '../../../../functions/model/fleet-request.ts';
import type { GivenNetwork } from '../../../../functions/model/network-choice.ts';

const given = (id: string): GivenNetwork => ({
  networkId: id,
  subnetIds: { 'east-1a': `${id}-a`, 'east-1b': `${id}-b` },
  securityGroupIds: ['group-1'],
});

const connectionOf = (network?: Connection['network'], name = 'main'): Connection => ({
  namespace: 'default',
  name,
  id: 'c0000000000000000',
  driver: 'sim',
  cloud: 'aws',
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00.000Z',
  ...(network ? { network } : {}),
});

function groupOn(connection: Connection, more: Partial<NodeGroupRequest> = {}, at = 0): LocatedGroup {
  const group = {
    name: 'web',
    size: 1,
    connection: connection.name,
    locations: ['east-1'],
    instanceType: 'small',
    image: 'linux',
    ...more,
  };
  return { pointer: `/nodeGroups/${at}`, group, connection, locations: group.locations };
}

const existing = (entries?: Record<string, GivenNetwork>) => ({
  mode: 'existing' as const,
  ...(entries ? { existing: entries } : {}),
});

const able = { title: 'a cloud', capabilities: ['existing-networks'] } as const;
const DRIVERS: Abilities = {
  sim: able,
  aws: able,
  openstack: able,
  'cb-spider': { title: 'another cloud', capabilities: [] },
};

const choose = (request: Parameters<typeof chooseNetworks>[0], groups: LocatedGroup[]) =>
  chooseNetworks(request, groups, DRIVERS);
const errorsOf = (...args: Parameters<typeof choose>) =>
  choose(...args).errors.map(({ pointer, code }) => `${pointer} ${code}`);

describe('the network of each site of a fleet', () => {
  it('is one that fleets share if neither the fleet nor the connection says anything', () => {
    const { networks, errors } = choose({}, [groupOn(connectionOf())]);
    expect(errors).toEqual([]);
    expect(networks).toEqual([{ connection: 'main', location: 'east-1', network: { mode: 'shared' } }]);
  });

  it('is the default of the connection if the fleet says nothing', () => {
    const connection = connectionOf(existing({ 'east-1': given('vpc-1') }));
    const { networks } = choose({}, [groupOn(connection)]);
    expect(networks).toMatchObject([{ network: { mode: 'existing', given: given('vpc-1') } }]);
  });

  it('is that of the fleet if the connection has a default, too', () => {
    const connection = connectionOf(existing({ 'east-1': given('vpc-1') }));
    const ofFleet = existing({ 'east-1': given('vpc-2') });
    expect(choose({ network: ofFleet }, [groupOn(connection)]).networks).toMatchObject([
      { network: { given: { networkId: 'vpc-2' }, pointer: '/network/existing/east-1' } },
    ]);
    expect(choose({ network: { mode: 'dedicated' } }, [groupOn(connection)]).networks).toMatchObject([
      { network: { mode: 'dedicated' } },
    ]);
  });

  it('is the entry of connection and location, before the entry of the location', () => {
    const network = existing({ 'east-1': given('vpc-1'), 'main/east-1': given('vpc-2') });
    const groups = [groupOn(connectionOf()), groupOn(connectionOf(undefined, 'other'), {}, 1)];
    expect(choose({ network }, groups).networks).toMatchObject([
      {
        connection: 'main',
        network: { given: { networkId: 'vpc-2' }, pointer: '/network/existing/main~1east-1' },
      },
      { connection: 'other', network: { given: { networkId: 'vpc-1' } } },
    ]);
  });

  it('is the connection’s where the fleet asks for existing networks and has no entry', () => {
    const connection = connectionOf(existing({ 'east-1': given('vpc-1') }));
    expect(choose({ network: existing() }, [groupOn(connection)]).networks).toMatchObject([
      { network: { given: { networkId: 'vpc-1' }, pointer: '/network' } },
    ]);
  });
});

describe('a request for existing networks is refused', () => {
  it('if a location has no entry', () => {
    const network = existing({ 'east-1': given('vpc-1') });
    const group = groupOn(connectionOf(), { locations: ['east-1', 'west-1'] });
    expect(errorsOf({ network }, [group])).toEqual(['/nodeGroups/0/locations/1 no-network']);
  });

  it('if the connection has existing networks, and none at a location', () => {
    const connection = connectionOf(existing({ 'west-1': given('vpc-1') }));
    expect(errorsOf({}, [groupOn(connection)])).toEqual(['/nodeGroups/0/locations/0 no-network']);
  });

  it('if a zone has no given subnet', () => {
    const network = existing({ 'east-1': given('vpc-1') });
    expect(errorsOf({ network }, [groupOn(connectionOf(), { zone: 'east-1c' })])).toEqual([
      '/nodeGroups/0/zone no-subnet',
    ]);
    expect(errorsOf({ network }, [groupOn(connectionOf(), { zone: 'east-1b' })])).toEqual([]);
    const withZones = (zones: string[]) => ({ ...groupOn(connectionOf()), zonesIn: { 'east-1': zones } });
    expect(errorsOf({ network }, [withZones(['east-1c', 'east-1d'])])).toEqual([
      '/nodeGroups/0/zones no-subnet',
    ]);
    expect(errorsOf({ network }, [withZones(['east-1b', 'east-1c'])])).toEqual([]);
  });

  it('if a node group asks for SSH, which only the given security groups can allow', () => {
    const network = existing({ 'east-1': given('vpc-1') });
    const group = groupOn(connectionOf(), { ssh: { allowFrom: '203.0.113.0/24' } });
    expect(errorsOf({ network }, [group])).toEqual(['/nodeGroups/0/ssh/allowFrom given-security-groups']);
  });

  it('if the driver cannot check existing networks', () => {
    const network = existing({ 'east-1': given('vpc-1') });
    const connection: Connection = { ...connectionOf(), driver: 'cb-spider' };
    expect(errorsOf({ network }, [groupOn(connection)])).toEqual(['/network/mode unsupported']);
  });

  it('if the networks of all its sites are too large to be stored with the fleet', () => {
    const wide = { ...given('vpc-1'), securityGroupIds: Array.from({ length: 16 }, () => 'g'.repeat(500)) };
    const locations = Array.from({ length: 20 }, (_, at) => `east-${at}`);
    const network = existing(Object.fromEntries(locations.map((name) => [name, wide])));
    expect(errorsOf({ network }, [groupOn(connectionOf(), { locations })])).toEqual(['/network too-big']);
  });
});
