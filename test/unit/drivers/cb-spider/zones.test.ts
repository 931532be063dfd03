import { expect, test } from 'vitest';
import { networkOfLowerHalf, subnetCidrs } from '../../../../functions/drivers/cb-spider/cidr.ts';
import { LOCATION, specOn, useDouble } from './double.ts';

const double = useDouble(
  { prepareMs: 0, startMs: 0, terminateMs: 0 },
  { handOverMs: 2_000, lockedMs: 2_000 },
);

test('a machine is created in the requested zone, or in the default zone when none is requested', async () => {
  const client = double.client();
  const spec = await specOn(client);
  const tokens = [1, 2, 3].map((attempt) => `${spec.instanceId}.${attempt}`);
  const zones = ['mercury-z3', 'mercury-z3', undefined];
  const made = await Promise.all(
    tokens.map((launchToken, at) =>
      client.createInstance({ ...spec, launchToken, ...(zones[at] ? { zone: zones[at] } : {}) }),
    ),
  );
  const listed = await client.listInstances(LOCATION);
  const zoneOf = (backendId: string) => listed.find((one) => one.backendId === backendId)?.zone;
  expect(made.map(({ backendId }) => zoneOf(backendId))).toEqual(['mercury-z3', 'mercury-z3', 'mercury-z1']);
});

test('a create in a zone that the location does not have fails as InvalidRequest', async () => {
  const client = double.client();
  const spec = { ...(await specOn(client)), zone: 'venus-z1' };
  await expect(client.createInstance(spec)).rejects.toMatchObject({ code: 'InvalidRequest' });
});

test('the subnets of zones divide the upper half of a network without overlap', () => {
  const { lowerHalf, ofZone } = subnetCidrs('10.20.0.0/16');
  expect(lowerHalf).toBe('10.20.0.0/17');
  expect([0, 1, 7].map(ofZone)).toEqual(['10.20.128.0/20', '10.20.144.0/20', '10.20.240.0/20']);
  expect(networkOfLowerHalf(lowerHalf)).toBe('10.20.0.0/16');
  expect(subnetCidrs('192.168.4.0/24').ofZone(7)).toBe('192.168.4.240/28');
});

test.each([
  '10.0.0.0',
  '10.0.0.1/16',
  '10.0.0.0/25',
  '10.0.0.0/7',
  '10.0.0.256/16',
  'fd00::/48',
  '10.0.0.0/-1',
])('a network with the CIDR %s is refused, because the network cannot be divided among zones', (cidr) => {
  expect(() => subnetCidrs(cidr)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
});
