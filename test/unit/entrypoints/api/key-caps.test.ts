import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import type { ApiKeyCaps, ApiKeyRequest } from '../../../../functions/model/access.ts';
import { connectionKey } from '../../../../functions/model/identifiers.ts';
import { closeFleet, readFleetItem } from '../../../../functions/platform/store/fleets.ts';
import { replaceOffers } from '../../../../functions/platform/store/write-catalogue.ts';
import { fleetBody, furnish } from '../../../engine/api/furnish.ts';
import { InProcessApi } from './any-input/api.ts';

const FLEETS = '/v1/namespaces/default/fleets';
/** What a machine of the furnished catalogue costs: its type 0.1, its address 0.005 USD per hour. */
const MACHINE_USD = 0.105;

const api = new InProcessApi();
let nowMs = Date.parse('2026-12-01T12:00:00Z');
const mockClock = () => void vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
beforeAll(async () => {
  // The catalogue is written at the time at which the requests come, whatever the date of the test run is.
  mockClock();
  await api.open();
  await furnish(api.store, 'default');
  const location = 'us-west-2';
  const key = connectionKey({ driver: 'sim', namespace: 'default', name: 'sim-aws' });
  const common = { location, available: true } as const;
  await replaceOffers(api.store, key, location, {
    instanceTypes: ['m6i.large', 'm6i.small', 'x9.free'].map((name) => ({
      name,
      vcpus: 2,
      memoryGb: 8,
      architecture: 'x86_64',
    })),
    offers: [
      { id: 'priced', instanceType: 'm6i.large', priceUsdPerHour: 0.1, ...common },
      { id: 'small', instanceType: 'm6i.small', priceUsdPerHour: 0.05, ...common },
      { id: 'unpriced', instanceType: 'x9.free', ...common },
    ],
    images: [
      { name: 'ubuntu-24.04', backendId: 'ami-1', description: '', architectures: ['x86_64'], ...common },
    ],
  });
});
afterAll(() => api.close());

beforeEach(mockClock);
afterEach(() => void vi.restoreAllMocks());

const keySchema = z.object({ id: z.string(), key: z.string() });
const idSchema = z.object({ id: z.string() });

async function send(method: string, path: string, key?: string, body?: object, more = {}) {
  const headers = {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(body ? { 'content-type': 'application/json' } : {}),
    ...more,
  };
  const handler = path.startsWith('/v1/api-keys') ? 'access' : 'fleets';
  return await api.ask(handler, { method, path, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
}

async function keyWith(caps: ApiKeyCaps, parent?: string): Promise<{ id: string; key: string }> {
  const body: ApiKeyRequest = { name: 'robot', caps };
  return keySchema.parse((await send('POST', '/v1/api-keys', parent, body)).body);
}

let made = 0;
const named = (size: number, group: object = {}) => fleetBody(`fleet-${made++}`, { size, ...group });
const create = (key: string, size: number, more = {}) => send('POST', FLEETS, key, named(size), more);
const remove = (key: string, id: string) => send('DELETE', `${FLEETS}/${id}`, key);
const codeOf = ({ status, body }: { status: number; body: unknown }) =>
  status < 400 ? status : z.object({ code: z.string() }).parse(body).code;

async function close(fleetId: string): Promise<void> {
  const fleet = await readFleetItem(api.store, fleetId);
  if (fleet) await closeFleet(api.store, fleet, 'Terminated');
}

describe('the cap maxTotalUsdPerHour', () => {
  it('lets a key make fleets up to the cap exactly, and no more', async () => {
    const { key } = await keyWith({ maxTotalUsdPerHour: 3 * MACHINE_USD });
    expect(codeOf(await create(key, 4))).toBe('cap-reached');
    expect(codeOf(await create(key, 2))).toBe(202);
    expect(codeOf(await create(key, 2))).toBe('cap-reached');
    expect(codeOf(await create(key, 1))).toBe(202);
    expect(codeOf(await create(key, 1))).toBe('cap-reached');
  });

  it('lets one of many requests at once pass, if there is room for one', async () => {
    const { key } = await keyWith({ maxTotalUsdPerHour: 3 * MACHINE_USD });
    const answers = await Promise.all(Array.from({ length: 6 }, () => create(key, 2)));
    expect(answers.map(codeOf).toSorted()).toEqual([202, ...Array.from({ length: 5 }, () => 'cap-reached')]);
  });

  it('counts a repeated request once, and gives back what a fleet counts for when it is closed, once', async () => {
    const { key } = await keyWith({ maxTotalUsdPerHour: 2 * MACHINE_USD });
    const body = named(2);
    const again = { 'idempotency-key': 'robot-1' };
    const first = await send('POST', FLEETS, key, body, again);
    expect([codeOf(first), codeOf(await send('POST', FLEETS, key, body, again))]).toEqual([202, 202]);
    const { id } = idSchema.parse(first.body);
    await close(id);
    await close(id);
    expect(codeOf(await create(key, 3))).toBe('cap-reached');
    expect(codeOf(await create(key, 2))).toBe(202);
  });

  it('counts each machine with the highest price that its request allows, and refuses what has no price', async () => {
    const { key } = await keyWith({ maxTotalUsdPerHour: MACHINE_USD });
    const choosing = () => {
      const { nodeGroups, ...rest } = named(1, { locations: ['us-west-2'] });
      const groups = nodeGroups.map(({ instanceType, ...group }) => ({
        ...group,
        instanceTypes: ['m6i.small', instanceType],
      }));
      return { ...rest, nodeGroups: groups };
    };
    const low = await keyWith({ maxTotalUsdPerHour: MACHINE_USD - 0.001 });
    expect(codeOf(await send('POST', FLEETS, low.key, choosing()))).toBe('cap-reached');
    expect(codeOf(await send('POST', FLEETS, key, choosing()))).toBe(202);
    const unpriced = named(1, { locations: ['us-west-2'], instanceType: 'x9.free' });
    const refused = await send('POST', FLEETS, key, unpriced);
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/nodeGroups/0', code: 'unpriced' }] },
    });
    expect(codeOf(await send('POST', FLEETS, undefined, unpriced))).toBe(202);
    const single = { ...unpriced.nodeGroups[0], name: 'single', location: 'us-west-2' };
    const { size: _size, locations: _locations, ...machine } = single;
    const answer = await send('POST', '/v1/namespaces/default/instances', key, machine);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: 'unpriced' }] } });
  });

  it('holds for all keys that a capped key makes, together', async () => {
    const parent = await keyWith({ maxTotalUsdPerHour: 3 * MACHINE_USD });
    const children = [await keyWith({}, parent.key), await keyWith({ maxTotalUsdPerHour: 100 }, parent.key)];
    const codes = [];
    for (const { key } of [...children, parent]) codes.push(codeOf(await create(key, 2)));
    expect(codes).toEqual([202, 'cap-reached', 'cap-reached']);
    const narrow = await keyWith({ maxTotalUsdPerHour: 0 }, parent.key);
    expect(codeOf(await create(narrow.key, 1))).toBe('cap-reached');
    expect(codeOf(await create(parent.key, 1))).toBe(202);
  });

  it('keeps a capped key from launching machines of fleets that others made', async () => {
    const { id } = idSchema.parse((await create((await keyWith({})).key, 1)).body);
    const { key } = await keyWith({ maxTotalUsdPerHour: 100 });
    const retry = await send('POST', `${FLEETS}/${id}/actions`, key, { action: 'retry' });
    expect(codeOf(retry)).toBe('cap-reached');
  });
});

describe('the cap maxRemovalsPerDay', () => {
  const fleetsOf = async (...sizes: number[]) =>
    await Promise.all(
      sizes.map(async (size) => {
        const { key } = await keyWith({});
        return idSchema.parse((await create(key, size)).body).id;
      }),
    );

  it('counts the machines of each fleet once, refuses more than the cap, and begins at zero the next day', async () => {
    const { key } = await keyWith({ maxRemovalsPerDay: 5 });
    const [three, two, one, six] = await fleetsOf(3, 2, 1, 6);
    expect(codeOf(await remove(key, `${six}`))).toBe('cap-reached');
    expect(codeOf(await remove(key, `${three}`))).toBe(202);
    expect(codeOf(await remove(key, `${three}`))).toBe(202);
    expect(codeOf(await remove(key, `${two}`))).toBe(202);
    expect(codeOf(await remove(key, `${one}`))).toBe('cap-reached');
    const withdraw = await send('POST', `${FLEETS}/${one}/actions`, key, { action: 'abort' });
    expect(codeOf(withdraw)).toBe('cap-reached');
    expect((await readFleetItem(api.store, `${one}`))?.status).toBe('Preparing');
    nowMs += 24 * 3_600_000;
    expect(codeOf(await remove(key, `${one}`))).toBe(202);
    expect(codeOf(await remove(key, `${six}`))).toBe('cap-reached');
  });

  it('lets one of many requests at once pass, if there is room for one', async () => {
    const { key } = await keyWith({ maxRemovalsPerDay: 3 });
    const ids = await fleetsOf(2, 2, 2, 2);
    const codes = (await Promise.all(ids.map((id) => remove(key, id)))).map(codeOf);
    expect(codes.toSorted()).toEqual([202, 'cap-reached', 'cap-reached', 'cap-reached']);
  });

  it('holds for all keys that a capped key makes, together, and counts a fleet once for their parent', async () => {
    const parent = await keyWith({ maxRemovalsPerDay: 4 });
    const [one, other] = [await keyWith({ maxRemovalsPerDay: 3 }, parent.key), await keyWith({}, parent.key)];
    const [three, two] = await fleetsOf(3, 2);
    expect(codeOf(await remove(one.key, `${three}`))).toBe(202);
    expect(codeOf(await remove(other.key, `${two}`))).toBe('cap-reached');
  });
});
