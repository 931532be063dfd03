import { expect, test } from 'vitest';
import * as z from 'zod';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { guardClient } from '../../../../functions/drivers/contract/guard-client.ts';
import { guardError } from '../../../../functions/drivers/contract/guard-error.ts';
import { Secrets } from '../../../../functions/drivers/contract/secrets.ts';
import { createSimDriver } from '../../../../functions/drivers/sim/driver.ts';
import { openGate } from '../../../calls/gates.ts';

const API_KEY = 'sk-simulated-0123456789-abcdefghij';
const AT = 'us-east-1';
const MACHINE = { id: 'i-1', name: 'x', status: 'Running', tags: { 'fleetwright:deployment': 'guarded' } };
const SPEC: InstanceSpec = {
  location: AT,
  instanceId: 'f0123456789abcdef-00001',
  launchToken: 'f0123456789abcdef-00001.1',
  instanceType: 'm6i.large',
  imageBackendId: 'image',
  networkBackendId: 'network',
  securityGroupBackendIds: ['group'],
  keyPairBackendId: 'key',
  tags: {},
};

/** Returns a client of a simulated cloud that answers every request with `body`. */
function clientOf(body: unknown, status = 200) {
  return createSimDriver(async () => Response.json(body, { status })).connect({
    cloud: 'aws',
    credential: { account: 'acc', apiKey: API_KEY },
    endpoint: 'http://127.0.0.1:1',
    deploymentId: 'guarded',
    calls: openGate,
  });
}

async function errorOf(call: Promise<unknown>): Promise<DriverError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DriverError) return error;
  throw new Error(`no DriverError: ${String(error)}`);
}

test('an error that a driver throws is limited in length and does not contain the credential', async () => {
  const message = `${'word '.repeat(400)}${API_KEY}`;
  const body = { code: `Key-${API_KEY}`, message: `bad key ${API_KEY}: ${message}`, retryAfterMs: 1e300 };
  const error = await errorOf(clientOf(body, 429).listInstances(AT));
  expect(error.code).toBe('Throttled');
  expect(error.answered).toBe(true);
  expect(error.message).toMatch(/^bad key \*\*\*: word /);
  expect(error.message).toHaveLength(1_000);
  expect(error.cloudCode).toBe('Key-***');
  expect(error.retryAfterMs).toBe(24 * 3_600_000);
  expect(error.cause).toBeUndefined();
  expect(error.stack).not.toContain(API_KEY);
  expect(error.stack).toContain('    at ');
});

test('a redacted error keeps its scope', () => {
  const error = new DriverError('Unsupported', 'no such type in this zone', { scope: 'zone' });
  expect(guardError(error, new Secrets([]))).toMatchObject({ code: 'Unsupported', scope: 'zone' });
});

test("a machine's failure message is limited in length, and has no control characters and no credential", async () => {
  const failureMessage = `no\u0000 host\u001b[31m for ${JSON.stringify(API_KEY)}${' x'.repeat(1_000)}`;
  const [machine] = await clientOf({ items: [{ ...MACHINE, failureMessage }] }).listInstances(AT);
  expect(machine?.failureMessage).toMatch(/^no {2}host \[31m for "\*\*\*" x x/);
  expect(machine?.failureMessage).toHaveLength(1_000);
});

test.each([
  ['contains the credential', `i-${API_KEY}`],
  ['is too long', 'i'.repeat(2_000)],
  ['contains a control character', 'i-1\u001b'],
])('a list of machines is refused if the id of one machine %s', async (_, id) => {
  const call = clientOf({ items: [MACHINE, { ...MACHINE, id }] }).listInstances(AT);
  expect((await errorOf(call)).code).toBe('Unavailable');
});

test('an unusable optional field of a machine is left out, and the machine stays in the list', async () => {
  const odd = { ...MACHINE, zone: 'east\u202e', instanceType: API_KEY, publicIp: '10.0.0.1' };
  const [machine] = await clientOf({ items: [odd] }).listInstances(AT);
  expect(machine).toMatchObject({ backendId: 'i-1', publicIp: '10.0.0.1' });
  expect(machine).not.toHaveProperty('zone');
  expect(machine).not.toHaveProperty('instanceType');
});

test.each(['', 'a'.repeat(257)])(
  'an account id that is empty or too long for a record is dropped: %j',
  async (id) => {
    expect((await clientOf({ account: id }).verifyCredential()).account).toBeUndefined();
  },
);

test('an account id that contains the credential is dropped', async () => {
  expect((await clientOf({ account: `acc-${API_KEY}` }).verifyCredential()).account).toBeUndefined();
});

test('the name of a network is listed without its control characters', async () => {
  const network = { id: 'net-1', name: 'web\u001b[2J', tags: MACHINE.tags };
  const [listed] = await clientOf({ items: [network] }).listNetworkResources(AT, 'network');
  expect(listed).toMatchObject({ backendId: 'net-1', name: 'web [2J' });
});

test('a create call that returns an unusable machine id fails as OutcomeUnknown', async () => {
  const call = clientOf({ ...MACHINE, id: `i-${API_KEY}` }).createInstance(SPEC);
  const error = await errorOf(call);
  expect(error.code).toBe('OutcomeUnknown');
  expect(error.message).toBe(
    "createInstance: the cloud's answer cannot be used: backendId contains a secret of the credential",
  );
});

test('an unusable image or offer is left out of the catalogue, and the usable images and offers stay', async () => {
  const image = { name: 'ubuntu', id: 'ami-1', description: 'Ubuntu', architectures: ['x86_64'] };
  const images = [
    image,
    { ...image, name: API_KEY },
    { ...image, id: 'ami\n2' },
    { ...image, name: 'no name for a fleet request' },
  ];
  expect(await clientOf({ items: images }).listImages(AT)).toMatchObject([{ name: 'ubuntu' }]);
  const offer = { instanceType: 'small', vcpus: 1, memoryGb: 1, architecture: 'x86_64', available: true };
  const offers = [offer, { ...offer, instanceType: 'huge', memoryGb: 1e300, usdPerHour: 1e-130 }];
  const listed = await clientOf({ items: offers }).listOffers(AT);
  expect(listed.instanceTypes.map(({ name }) => name)).toEqual(['small']);
  expect(listed.offers.map(({ instanceType }) => instanceType)).toEqual(['small']);
});

test('a quota with a figure that is no quota is left out, its name is cut and redacted, and the other quotas stay', async () => {
  const quota = { unit: 'vcpus', name: 'Running Standard instances', limit: 5, used: 0, code: 'L-1' };
  const told: unknown[] = [
    quota,
    ...[-1, Number.NaN, 1e300, '5'].map((limit) => ({ ...quota, limit })),
    { ...quota, used: -4 },
    { ...quota, unit: 'wishes' },
    { ...quota, instanceClass: 'x'.repeat(101) },
    { ...quota, unit: 'instances', name: `of ${API_KEY} ${'word '.repeat(100)}`, limit: 0 },
  ];
  const client = Object.assign(clientOf({}), { readQuotas: async () => told });
  const quotas = await guardClient(client, new Secrets([API_KEY])).readQuotas();
  expect(quotas).toMatchObject([quota, { unit: 'instances', limit: 0 }]);
  const { name } = z.object({ name: z.string() }).parse(quotas[1]);
  expect(name).toMatch(/^of \*\*\* word /);
  expect(name.length).toBeLessThanOrEqual(200);
});

test('an error does not repeat the user data or the public key of its call', async () => {
  const userData = '#cloud-config\npassword: correct horse battery staple\n';
  const body = { code: 'InvalidParameter', message: `userData: ${userData} is not valid` };
  const error = await errorOf(clientOf(body, 400).createInstance({ ...SPEC, userData }));
  expect(error.message).toBe('userData: ***  is not valid');
  const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65';
  const refused = { code: 'InvalidParameter', message: `publicKey: ${publicKey}` };
  const call = clientOf(refused, 400).ensureKeyPair({ location: AT, name: 'k', publicKey, tags: {} });
  expect((await errorOf(call)).message).toBe('publicKey: ***');
});

test("if the body of a refusal is endless, the driver stops reading it and throws the error for the refusal's status", async () => {
  let [pulled, cancelled] = [0, false];
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(16_384).fill(120));
      },
      cancel() {
        cancelled = true;
      },
    });
  const driver = createSimDriver(async () => new Response(endless(), { status: 403 }));
  const client = driver.connect({
    cloud: 'aws',
    credential: { account: 'acc' },
    endpoint: 'http://127.0.0.1:1',
    deploymentId: 'guarded',
    calls: openGate,
  });
  expect((await errorOf(client.listLocations())).code).toBe('Forbidden');
  expect(cancelled).toBe(true);
  expect(pulled).toBeLessThan(10);
});
