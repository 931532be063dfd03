import { expect, test } from 'vitest';
import * as z from 'zod';
import { Registration } from '../../../../functions/drivers/cb-spider/registration.ts';
import { SpiderTransport } from '../../../../functions/drivers/cb-spider/transport.ts';
import { openGate } from '../../../calls/gates.ts';
import { localSend } from '../../../samples/drivers.ts';
import { type Asked, startAnswering } from './answering-server.ts';

const SITE = '/connectionconfig/fw.unit.default.ncp.KR';
const REGION = '/region/fw.unit.default.ncp.KR';
const NAMES: Readonly<Record<string, string>> = {
  '/driver': 'DriverName',
  '/credential': 'CredentialName',
  '/region': 'RegionName',
  '/connectionconfig': 'ConfigName',
};
const namedSchema = z.record(z.string(), z.unknown());
type Zone = { Name: string; Status: string };

/**
 * Starts a server like CB-Spider's, which keeps each registration that a client sends. The cloud has `zones`
 * in region `KR`.
 */
async function startRegistry(zones: Zone[]) {
  const kept = new Map<string, unknown>();
  const server = await startAnswering(({ call, body }: Asked) => {
    const [method = '', path = ''] = call.split(' ');
    if (method === 'POST') {
      kept.set(`${path}/${namedSchema.parse(body)[NAMES[path] ?? '']}`, body);
      return { body };
    }
    if (path === '/preconfig/regionzone') return { body: { regionzone: [{ Name: 'KR', ZoneList: zones }] } };
    if (path === '/preconfig/regionzone/KR') return { body: { Name: 'KR', ZoneList: zones } };
    const known = kept.get(path);
    return known ? { body: known } : { status: 500, body: { message: `${path}: does not exist!` } };
  });
  const client = (secret = 'secret-of-ncp') =>
    new Registration({
      transport: new SpiderTransport(server.url, 'spider', 'password', openGate, localSend),
      cloud: 'ncp',
      deploymentId: 'unit',
      connectionKey: 'default/ncp',
      keyValues: [{ Key: 'ClientSecret', Value: secret }],
      password: 'password',
    });
  return { ...server, kept, client };
}

const zone = (Name: string, Status = 'Available'): Zone => ({ Name, Status });

test('the first client registers a site with all of its zones, and the next client uses that registration', async () => {
  const registry = await startRegistry([zone('KR-2'), zone('KR-1', 'Unavailable')]);
  const site = await registry.client().site('KR');
  expect(site).toEqual({
    connectionName: 'fw.unit.default.ncp.KR',
    location: 'KR',
    zones: ['KR-1', 'KR-2'],
    defaultZone: 'KR-2',
  });
  expect(registry.kept.get(REGION)).toMatchObject({
    ProviderName: 'NCP',
    KeyValueInfoList: [
      { Key: 'Region', Value: 'KR' },
      { Key: 'Zone', Value: 'KR-2' },
    ],
  });
  registry.asked.length = 0;
  expect(await registry.client().site('KR')).toEqual(site);
  const calls = registry.asked.map(({ call }) => call);
  expect(calls).toContain(`GET ${SITE}`);
  expect(calls.filter((call) => /preconfig|POST \/region|POST \/connectionconfig/.test(call))).toEqual([]);
});

test('a zone that the cloud added after the registration is appended to the registered zones', async () => {
  const zones = [zone('KR-2')];
  const registry = await startRegistry(zones);
  const registration = registry.client();
  await registration.site('KR');
  zones.unshift(zone('KR-1'));
  expect(await registration.site('KR', 'KR-2')).toMatchObject({ zones: ['KR-2'] });
  const site = { zones: ['KR-2', 'KR-1'], defaultZone: 'KR-2' };
  expect(await registration.site('KR', 'KR-1')).toMatchObject(site);
  expect(await registry.client().site('KR')).toMatchObject(site);
});

test('the registration of a site keeps its old credential until a client with the new credential uses the site', async () => {
  const registry = await startRegistry([zone('KR-1')]);
  await registry.client().site('KR');
  const before = registry.kept.get(SITE);

  const renewed = registry.client('secret-of-ncp-2');
  expect(await renewed.regions()).toHaveLength(1);
  expect(registry.kept.get(SITE)).toEqual(before);

  await renewed.site('KR');
  expect(registry.kept.get(SITE)).not.toEqual(before);
  expect(registry.kept.get(SITE)).toMatchObject({ RegionName: 'fw.unit.default.ncp.KR' });
});

test('the name of a registered credential contains a hash and not the secret', async () => {
  const registry = await startRegistry([zone('KR-1')]);
  await registry.client().site('KR');
  const names = [...registry.kept.keys()].filter((name) => name.startsWith('/credential/'));
  expect(names).toEqual([expect.stringMatching(/^\/credential\/fw\.unit\.default\.ncp\.[0-9a-f]{12}$/)]);
});

test('the registration of an unknown location fails as NotFound', async () => {
  const registry = await startRegistry([]);
  await expect(registry.client().site('XX')).rejects.toMatchObject({ code: 'NotFound' });
});
