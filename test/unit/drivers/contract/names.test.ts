import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  machineName,
  namePrefix,
  parseMachineName,
  parseResourceName,
  resourceName,
} from '../../../../functions/drivers/contract/names.ts';
import {
  fleetOfResource,
  keyPairName,
  networkName,
  securityGroupName,
} from '../../../../functions/features/networks/network-names.ts';
import { instanceId, launchToken } from '../../../../functions/model/identifiers.ts';
import { sshRule } from '../../../../functions/model/inbound-rule.ts';

const characters = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
const BASE_36 = '0123456789abcdefghijklmnopqrstuvwxyz';
const deployments = characters('ab0-', 3, 36);
const fleets = characters(BASE_36, 16, 16).map((text) => `f${text}`);
const tokens = fc
  .tuple(fleets, fc.nat(99_999), fc.integer({ min: 1, max: 1_295 }))
  .map(([fleetId, index, attempt]) => launchToken(instanceId({ fleetId, index }), attempt));

describe('machineName', () => {
  test("every cloud accepts a machine's name, and the instance id and launch token can be parsed from the name", () => {
    fc.assert(
      fc.property(deployments, tokens, (deployment, token) => {
        const name = machineName(deployment, token);
        expect(name).toMatch(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
        expect(parseMachineName(deployment, name)).toEqual({
          instanceId: token.split('.')[0],
          launchToken: token,
        });
      }),
    );
  });

  test("the launch token can be parsed from a machine's name even if the cloud has a lower length limit for names", () => {
    fc.assert(
      fc.property(deployments, tokens, fc.integer({ min: 30, max: 63 }), (deployment, token, maxLength) => {
        const name = machineName(deployment, token, maxLength);
        expect(name).toMatch(/^[a-z][a-z0-9-]*[a-z0-9]$/);
        expect(name.length).toBeLessThanOrEqual(maxLength);
        expect(name.startsWith(namePrefix(deployment, maxLength))).toBe(true);
        expect(parseMachineName(deployment, name, maxLength)?.launchToken).toBe(token);
      }),
    );
    expect(parseMachineName('eu', machineName('us', 'f0123456789abcdef-00001.1', 30), 30)).toBeUndefined();
    expect(resourceName('a-deployment', 'net', 30)).toMatch(/^fw[0-9a-z]{5}net$/);
    expect(() => machineName('x', 'f0123456789abcdef-00001.1', 29)).toThrow(RangeError);
  });

  test('a deployment never parses a name of another deployment as its own, even if their ids are similar', () => {
    fc.assert(
      fc.property(deployments, deployments, tokens, (one, other, token) => {
        fc.pre(one !== other);
        expect(parseMachineName(other, machineName(one, token))).toBeUndefined();
        expect(parseResourceName(other, resourceName(one, 'net'))).toBeUndefined();
      }),
    );
    const longer = machineName('prod-eu', 'f0123456789abcdef-00001.1');
    expect(longer.startsWith(namePrefix('prod'))).toBe(true);
    expect(parseMachineName('prod', longer)).toBeUndefined();
  });

  test.each([
    'i-1.1',
    'f0123456789abcdef-00001',
    'f0123456789abcdef-00001.0',
    'f0123456789abcdef-00001.1296',
  ])('machineName refuses the malformed launch token %s', (token) =>
    expect(() => machineName('test', token)).toThrow(RangeError),
  );

  test.each(['', 'fw-test-', 'fw-test-web', 'web', 'FW-TEST-0123456789ABCDEF0000101'])(
    'parseMachineName returns nothing for %j, a name that this deployment never gave',
    (name) => expect(parseMachineName('test', name)).toBeUndefined(),
  );
});

describe('the names of network resources', () => {
  const site = { connectionKey: 'sim/default/sim-aws', location: 'us-east-1' };
  const fleetId = 'f0123456789abcdef';
  const names = [
    networkName(fleetId, site),
    keyPairName(fleetId, site),
    securityGroupName(fleetId, site, []),
    securityGroupName(fleetId, site, [sshRule('10.0.0.0/8')]),
    networkName(fleetId, { ...site, location: 'us-east-2' }),
    networkName('f0123456789abcdeg', site),
  ];

  test("a network resource's name contains its fleet, differs by kind, site and SSH rule, and has at most 63 characters", () => {
    expect(new Set(names).size).toBe(names.length);
    for (const name of names.slice(0, 5)) {
      expect(fleetOfResource(name)).toBe(fleetId);
      const called = resourceName('x'.repeat(36), name);
      expect(called.length).toBeLessThanOrEqual(63);
      expect(parseResourceName('x'.repeat(36), called)).toBe(name);
    }
  });

  test('fleetOfResource finds no fleet in a name that no deployment gave, and resourceName refuses capital letters', () => {
    for (const name of ['net', '0123456789abcdefx000000', 'my-own-network'])
      expect(fleetOfResource(name)).toBeUndefined();
    expect(() => resourceName('test', 'With-Other')).toThrow(RangeError);
  });
});
