import { describe, expect, it } from 'vitest';
import type { DriverFeature } from '../../../../functions/drivers/contract/metadata.ts';
import { checkDoors, checkGroupSources } from '../../../../functions/features/fleets/check-doors.ts';
import {
  warnOfNoRoute,
  warnOfOpenDoors,
  warnOfPrices,
} from '../../../../functions/features/fleets/warn-doors.ts';
import type { Connection, DriverName } from '../../../../functions/model/connection.ts';
import type { NodeGroupRequest } from '../../../../functions/model/fleet-request.ts';
import type { IngressEntry } from '../../../../functions/model/ingress.ts';

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const ECDSA = `ecdsa-sha2-nistp256 ${Buffer.concat(
  ['ecdsa-sha2-nistp256', 'nistp256', '4'.repeat(65)].flatMap((text) => [
    Buffer.from([0, 0, 0, text.length]),
    Buffer.from(text),
  ]),
).toString('base64')}`;

const groupOf = (over: Partial<NodeGroupRequest> = {}): NodeGroupRequest => ({
  name: 'web',
  size: 1,
  connection: 'main',
  locations: ['east-1'],
  instanceType: 'small',
  image: 'linux',
  ...over,
});
const connectionOf = (driver: DriverName): Connection => ({
  namespace: 'default',
  name: 'main',
  id: 'c0000000000000000',
  driver,
  cloud: 'openstack',
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00.000Z',
});
const found = (some: readonly { pointer: string; code: string }[]) =>
  some.map(({ pointer, code }) => `${pointer} ${code}`);
const check = (driver: DriverName, over: Partial<NodeGroupRequest>) =>
  found(checkDoors({ pointer: '/nodeGroups/0', group: groupOf(over), connection: connectionOf(driver) }));
const tcp = (ports: (number | string)[], from: string[]): IngressEntry => ({ protocol: 'tcp', ports, from });
const addresses = (count: number) => Array.from({ length: count }, (_, at) => `10.0.${at}.0/24`);

describe('sources that are node groups', () => {
  const from = (name: string) => ({ ingress: [tcp([1], ['10.0.0.0/8', `group:${name}`])] });

  it('are the node groups of the fleet that have a location of the same connection in common', () => {
    const fleet = [
      groupOf(from('db')),
      groupOf({ name: 'db', locations: ['west-1', 'east-1'], ...from('db') }),
    ];
    expect(checkGroupSources(fleet)).toEqual([]);
  });

  it('are refused if the fleet has no such node group, or it is elsewhere', () => {
    const fleet = [
      groupOf(from('no-such')),
      groupOf({ name: 'far', locations: ['west-1'], ...from('web') }),
      groupOf({ name: 'other', connection: 'second', ...from('web') }),
    ];
    expect(found(checkGroupSources(fleet))).toEqual([
      '/nodeGroups/0/ingress/0/from/1 unknown-node-group',
      '/nodeGroups/1/ingress/0/from/1 no-common-location',
      '/nodeGroups/2/ingress/0/from/1 no-common-location',
    ]);
  });
});

describe('what the driver’s clouds do not have', () => {
  it('is refused with the field: sources that are node groups, and IPv6', () => {
    const over = {
      ssh: { allowFrom: '2001:db8::/32' },
      ingress: [tcp([1], ['10.0.0.0/8', 'group:web', '::/0'])],
    };
    expect(check('cb-spider', over)).toEqual([
      '/nodeGroups/0/ingress/0/from/1 unsupported',
      '/nodeGroups/0/ingress/0/from/2 unsupported',
      '/nodeGroups/0/ssh/allowFrom unsupported',
    ]);
    for (const driver of ['sim', 'aws', 'openstack'] as const) expect(check(driver, over)).toEqual([]);
  });

  it('is more rules than one security group may have: each port from each source is a rule, and so is SSH', () => {
    const ssh = { allowFrom: '203.0.113.0/24' };
    const ingress = [tcp([1, 2, 3], addresses(20))];
    expect(check('aws', { ingress })).toEqual([]);
    expect(check('aws', { ingress, ssh })).toEqual(['/nodeGroups/0/ingress too-many-rules']);
    expect(check('openstack', { ingress, ssh })).toEqual([]);
    expect(check('openstack', { ingress: [...ingress, tcp([4, 5], addresses(20))] })).toEqual([
      '/nodeGroups/0/ingress too-many-rules',
    ]);
    expect(check('cb-spider', { ingress })).toEqual(['/nodeGroups/0/ingress too-many-rules']);
  });

  it('counts equal rules once', () => {
    const ingress = [
      tcp([1, 2, 3], addresses(20)),
      tcp(
        [3, '2-2', 1],
        addresses(20).map((one) => one.replace('.0/', '.9/')),
      ),
    ];
    expect(check('aws', { ingress })).toEqual([]);
  });

  it('is refused without counting every rule if there are far too many', () => {
    const ingress = [
      tcp(
        Array.from({ length: 60 }, (_, at) => at + 1),
        addresses(60),
      ),
    ];
    const [error] = checkDoors({
      pointer: '',
      group: groupOf({ ingress: [...ingress, ...ingress] }),
      connection: connectionOf('sim'),
    });
    expect(error?.message).toContain('more than 5000');
  });
});

describe('addresses and keys that the driver’s clouds do not have', () => {
  const drivers = ['sim', 'aws', 'openstack', 'cb-spider'] as const;

  it('are refused with the field: a public address at openstack, and its absence at cb-spider', () => {
    expect(drivers.map((driver) => check(driver, { publicIp: true }))).toEqual([
      [],
      [],
      ['/nodeGroups/0/publicIp unsupported'],
      [],
    ]);
    expect(drivers.map((driver) => check(driver, { publicIp: false }))).toEqual([
      [],
      [],
      [],
      ['/nodeGroups/0/publicIp unsupported'],
    ]);
    for (const driver of drivers) expect(check(driver, {})).toEqual([]);
  });

  it('are refused with the field: keys at cb-spider, types that the cloud does not take, and more than one key', () => {
    expect(drivers.map((driver) => check(driver, { ssh: { publicKeys: [ED25519] } }))).toEqual([
      [],
      [],
      [],
      ['/nodeGroups/0/ssh/publicKeys unsupported'],
    ]);
    expect(drivers.map((driver) => check(driver, { ssh: { publicKeys: [ECDSA] } }))).toEqual([
      [],
      ['/nodeGroups/0/ssh/publicKeys/0 unsupported'],
      [],
      ['/nodeGroups/0/ssh/publicKeys unsupported'],
    ]);
    expect(check('aws', { ssh: { publicKeys: [ED25519, ED25519] } })).toEqual([
      '/nodeGroups/0/ssh/publicKeys too-big',
    ]);
  });
});

describe('further warnings', () => {
  const driver = (...features: DriverFeature[]) => ({ features });

  it('tell that user data runs on machines without a route out', () => {
    const private_ = { publicIp: false, userData: '#!/bin/sh' };
    expect(found(warnOfNoRoute('/g', private_, driver()))).toEqual(['/g/publicIp no-route-out']);
    expect(warnOfNoRoute('/g', private_, driver('private-route-out'))).toEqual([]);
    expect(warnOfNoRoute('/g', { publicIp: false }, driver())).toEqual([]);
    expect(warnOfNoRoute('/g', { userData: '#!/bin/sh' }, driver())).toEqual([]);
  });

  it('tell which price is not known, once for a node group', () => {
    const meaning = {
      instanceType: 'small',
      locations: ['east', 'west', 'north'],
      pricesUsdPerHour: { east: 1 },
    };
    expect(warnOfPrices('/g', meaning)).toEqual([
      {
        pointer: '/g/instanceType',
        code: 'price-unknown',
        message:
          'the price of small in west is not known (and 1 more): the price and the cost of the fleet leave it out',
      },
    ]);
    expect(warnOfPrices('/g', { ...meaning, locations: ['east'] })).toEqual([]);
  });
});

describe('the warnings', () => {
  const warn = (over: Partial<NodeGroupRequest>) => found(warnOfOpenDoors('/g', groupOf(over)));

  it('name ports of remote access that are open to every address, alone or in a range', () => {
    expect(warn({ ssh: { allowFrom: '0.0.0.0/0' } })).toEqual(['/g/ssh/allowFrom open-to-everyone']);
    expect(warn({ ingress: [tcp([443], ['0.0.0.0/0']), tcp(['20-30'], ['::/0'])] })).toEqual([
      '/g/ingress/1 open-to-everyone',
    ]);
    expect(warn({ ingress: [{ protocol: 'udp', ports: [3_389], from: ['0.0.0.0/0'] }] })).toEqual([
      '/g/ingress/0 open-to-everyone',
    ]);
    expect(warn({ ingress: [tcp(['20-4000'], ['0.0.0.0/0'])] })).toEqual([
      '/g/ingress/0 open-to-everyone',
      '/g/ingress/0 open-to-everyone',
      '/g/ingress many-open-ports',
    ]);
  });

  it('tell that more than 100 ports are open, each counted once', () => {
    expect(warn({ ingress: [tcp(['8000-8099', 8_050], ['0.0.0.0/0', '::/0'])] })).toEqual([]);
    expect(warn({ ingress: [tcp(['8000-8099'], ['0.0.0.0/0']), tcp([9_000], ['::/0'])] })).toEqual([
      '/g/ingress many-open-ports',
    ]);
  });

  it('are none for ports that only some addresses or node groups reach, and for ICMP', () => {
    const ingress = [
      tcp(['1-65535'], ['10.0.0.0/8', 'group:web']),
      { protocol: 'icmp' as const, from: ['0.0.0.0/0'] },
    ];
    expect(warn({ ingress, ssh: { allowFrom: '203.0.113.0/24' } })).toEqual([]);
  });
});
