import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assignSites } from '../../../functions/features/fleets/assignment.ts';
import { type Fleet, fleetSchema } from '../../../functions/model/fleet.ts';
import { FLEET_ACTIONS, type FleetAction } from '../../../functions/model/fleet-action.ts';
import { FLEET_STATUSES } from '../../../functions/model/status.ts';
import { type FleetUpdate, readFleetItem, updateFleet } from '../../../functions/platform/store/fleets.ts';
import { readFleetPartition } from '../../../functions/platform/store/placements.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

const store = useTables();
const gateway = new Gateway(store);
const { codeOf, errorsOf, refusalOf } = Gateway;
const fleets = '/v1/namespaces/default/fleets';

beforeAll(async () => await furnish(store, 'default'));
beforeEach(() => void gateway.started.splice(0));

const post = (json: unknown) => gateway.ask({ method: 'POST', path: fleets, json });
const remove = (fleet: string) => gateway.ask({ method: 'DELETE', path: `${fleets}/${fleet}` });
const act = (fleet: string, json: unknown) =>
  gateway.ask({ method: 'POST', path: `${fleets}/${fleet}/actions`, json });
const fleetOf = ({ body }: { body: unknown }): Fleet => fleetSchema.parse(body);

async function created(name: string, more: Record<string, unknown> = {}): Promise<Fleet> {
  const fleet = fleetOf(await post({ ...fleetBody(name), ...more }));
  gateway.started.splice(0);
  return fleet;
}

async function assignment(fleetId: string, execution: number) {
  return await assignSites(
    {
      store,
      queueUrls: { sim: 'http://queue.invalid/sim' },
      makeKey: async () => ({ publicKey: 'ssh-rsa AAAA test', privateKey: 'none' }),
      keepPrivateKey: async () => '/test/ssh',
      forgetPrivateKey: async () => {},
    },
    { fleetId, execution },
  );
}

/** Sets fields of a fleet as workers and workflows would set them. */
async function put(fleetId: string, update: FleetUpdate): Promise<void> {
  const fleet = await readFleetItem(store, fleetId);
  if (!fleet || !(await updateFleet(store, fleet, update))) throw new Error('not updated');
}

async function launchingOf(fleetId: string): Promise<string[]> {
  const { placements } = await readFleetPartition(store, fleetId);
  return placements.map(({ launching }) => launching);
}

describe('fleet actions', () => {
  /**
   * For each action: a fleet update that makes the action legal, the status after the action, and the
   * executions that the action starts.
   */
  const legal: Record<FleetAction, [FleetUpdate, Fleet['status'], string[]]> = {
    hold: [{}, 'Held', []],
    abort: [{}, 'Creating', []],
    release: [{ status: 'Held', work: null }, 'Preparing', ['provision 2']],
    withdraw: [{ status: 'Held', work: null }, 'Terminating', ['remove 2']],
    retry: [{ status: 'PartiallyRunning', work: null }, 'Preparing', ['provision 2']],
    refine: [{ status: 'PartiallyRunning', work: null }, 'PartiallyRunning', ['refine 2']],
  };

  it.each(FLEET_ACTIONS)('action %s takes effect only once if it is requested twice', async (action) => {
    const [before, status, starts] = legal[action];
    const { id } = await created(`twice-${action}`);
    await put(id, before);
    const answer = await act(`twice-${action}`, { action });
    expect([answer.status, fleetOf(answer).status]).toEqual([202, status]);
    expect(gateway.started.map(({ work, execution }) => `${work} ${execution}`)).toEqual(starts);
    const after = await readFleetItem(store, id);
    const again = await act(id, { action });
    expect([again.status, fleetOf(again).status]).toEqual([202, status]);
    // The second request may start the same execution again: the first request's process may have
    // died before it started the execution.
    const all = gateway.started.map(({ work, execution }) => `${work} ${execution}`);
    expect(new Set(all)).toEqual(new Set(starts));
    // A repeated request makes a stuck removal be tried again immediately. It changes nothing else.
    const { removalAskedAtMs: _first, ...rest } = after ?? {};
    const { removalAskedAtMs: _again, ...now } = (await readFleetItem(store, id)) ?? {};
    expect(now).toEqual(rest);
  });

  it.each(FLEET_STATUSES)(
    'an action that is illegal for a fleet in status %s is refused with the allowed actions',
    async (status) => {
      const { id } = await created(`in-${status.toLowerCase()}`);
      const launching = status === 'Preparing' || status === 'Creating';
      await put(id, { status, ...(launching ? {} : { work: null }) });
      const read = fleetOf(await gateway.ask({ method: 'GET', path: `${fleets}/${id}` }));
      const illegal = FLEET_ACTIONS.filter((action) => !read.allowedActions.includes(action));
      for (const action of illegal) {
        expect(refusalOf(await act(id, { action })), action).toEqual({
          status: 409,
          code: 'illegal-action',
          fleetStatus: status,
          allowed: read.allowedActions,
        });
      }
      expect(illegal.length).toBeGreaterThan(0);
      expect((await readFleetItem(store, id))?.status).toBe(status);
      expect(gateway.started).toEqual([]);
    },
  );

  it('hold and abort are refused while the failure policy removes instances', async () => {
    const { id } = await created('refining');
    await put(id, { status: 'Creating', work: 'refine', execution: 2 });
    for (const action of ['hold', 'abort'] as const) {
      expect(refusalOf(await act(id, { action }))).toMatchObject({ status: 409, allowed: [] });
    }
  });

  it('four retries at the same time are all accepted and begin only one round', async () => {
    const { id } = await created('many-hold');
    await put(id, { status: 'PartiallyRunning', work: null });
    const answers = await Promise.all([1, 2, 3, 4].map(() => act(id, { action: 'retry' })));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(await readFleetItem(store, id)).toMatchObject({ round: 2, execution: 2 });
    expect(new Set(gateway.started.map(({ execution }) => execution))).toEqual(new Set([2]));
  });

  it('an action on an unknown fleet or on a fleet of another namespace is answered 404', async () => {
    await furnish(store, 'other-one');
    const { id } = await created('here-only');
    expect(codeOf(await act('unknown-fleet', { action: 'hold' }))).toBe('not-found');
    const elsewhere = `/v1/namespaces/other-one/fleets/${id}/actions`;
    const answer = await gateway.ask({ method: 'POST', path: elsewhere, json: { action: 'hold' } });
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not-found']);
  });

  it.each([
    [{ action: 'suspend' }, '/action'],
    [{}, '/action'],
    [{ action: 'hold', expiresInSeconds: 5 }, '/expiresInSeconds'],
    [{ action: 'retry', expiresInSeconds: 90 }, '/expiresInSeconds'],
  ])('the action request %j is refused with the pointer of the wrong field', async (body, pointer) => {
    const { id } = await created(`bad-${crypto.randomUUID().slice(0, 8)}`);
    const answer = await act(id, body);
    expect(answer.status).toBe(400);
    expect(errorsOf(answer).map((error) => error.split(' ')[0])).toEqual([pointer]);
  });
});

describe('action hold', () => {
  it('after a hold, the Assign step launches nothing until the fleet is released', async () => {
    const { id } = await created('early-hold');
    await act(id, { action: 'hold' });
    expect((await assignment(id, 1)).clouds).toEqual([]);
    expect(await launchingOf(id)).toEqual(['paused', 'paused']);
    await act(id, { action: 'release' });
    expect((await assignment(id, 1)).clouds).toEqual([]);
    const { clouds } = await assignment(id, 2);
    expect(clouds.flatMap(({ sites }) => sites.map(({ round }) => round))).toEqual([2, 2]);
    expect(await launchingOf(id)).toEqual(['on', 'on']);
  });

  it('after a second hold, the Assign step of the released round does not turn launching on', async () => {
    const { id } = await created('second-hold');
    await act(id, { action: 'hold' });
    await act(id, { action: 'release' });
    await act(id, { action: 'hold' });
    expect((await assignment(id, 2)).clouds).toEqual([]);
    expect(await launchingOf(id)).toEqual(['paused', 'paused']);
  });

  it('a fleet created with a hold starts no execution, and shows when the hold ends', async () => {
    const hold = { expiresInSeconds: 3_600 };
    const answer = await post({ ...fleetBody('born-held'), hold });
    const fleet = fleetOf(answer);
    expect([answer.status, fleet.status, gateway.started]).toEqual([202, 'Held', []]);
    const until = Date.parse(fleet.heldUntil ?? '') - Date.parse(fleet.createdAt);
    expect(until).toBe(3_600_000);
    expect(fleet.allowedActions).toEqual(['release', 'withdraw']);
    expect((await act('born-held', { action: 'hold' })).status).toBe(202);
    const released = fleetOf(await act('born-held', { action: 'release' }));
    expect([released.status, released.heldUntil]).toEqual(['Preparing', undefined]);
    expect(gateway.started).toEqual([{ work: 'provision', fleetId: fleet.id, execution: 1 }]);
    expect((await assignment(fleet.id, 1)).clouds).toHaveLength(1);
  });

  it('a fleet created with a hold can be withdrawn before its first launch', async () => {
    const { id } = await created('never-born', { hold: {} });
    expect(fleetOf(await act(id, { action: 'withdraw' })).status).toBe('Terminating');
    expect(gateway.started).toEqual([{ work: 'remove', fleetId: id, execution: 1 }]);
  });
});

it('after an abort, the Assign step launches nothing', async () => {
  const { id } = await created('early-abort');
  await act(id, { action: 'abort' });
  expect((await assignment(id, 1)).clouds).toEqual([]);
  expect(await launchingOf(id)).toEqual(['paused', 'paused']);
});

describe('creating and deleting fleets', () => {
  it('if three fleets are created with one name at the same time, only one is accepted', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => post(fleetBody('raced-name'))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409]);
    expect(gateway.started).toHaveLength(1);
  });

  it('a fleet deleted before its Assign step launches nothing and allows no action', async () => {
    const { id } = await created('gone-early');
    expect(fleetOf(await remove(id)).status).toBe('Terminating');
    expect((await assignment(id, 1)).clouds).toEqual([]);
    for (const action of FLEET_ACTIONS) {
      expect(refusalOf(await act(id, { action }))).toMatchObject({ status: 409, allowed: [] });
    }
  });

  it('repeated deletes of a fleet start only one execution', async () => {
    const { id } = await created('gone-twice');
    const answers = await Promise.all([remove(id), remove('gone-twice')]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(await readFleetItem(store, id)).toMatchObject({ status: 'Terminating', execution: 2 });
    await remove(id);
    expect(new Set(gateway.started.map(({ execution }) => execution))).toEqual(new Set([2]));
  });

  it('a fleet can be deleted while it is held, rolled back or refined', async () => {
    const { id } = await created('gone-refining');
    await put(id, { status: 'Creating', work: 'refine', execution: 2 });
    expect(fleetOf(await remove(id)).status).toBe('Terminating');
    expect(await readFleetItem(store, id)).toMatchObject({ work: 'remove', execution: 3 });
    const rolling = await created('gone-rolling');
    await put(rolling.id, { status: 'RollingBack', work: 'remove', execution: 2 });
    expect(fleetOf(await remove(rolling.id)).status).toBe('RollingBack');
    const held = await created('gone-held', { hold: { expiresInSeconds: 60 } });
    expect(fleetOf(await remove(held.id))).toMatchObject({ status: 'Terminating' });
    expect((await readFleetItem(store, held.id))?.heldUntilMs).toBeUndefined();
  });
});
