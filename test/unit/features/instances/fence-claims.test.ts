import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimInstances } from '../../../../functions/features/instances/claim.ts';
import { fenceClaims } from '../../../../functions/features/instances/fence-claims.ts';
import { retakeClaims } from '../../../../functions/features/instances/retake-claims.ts';
import { readInstances, readSiteEntries } from '../../../../functions/platform/store/instances.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { CONNECTION, EAST, FLEET, idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const REF = { fleetId: FLEET, index: 0 };
const first = { message: launchOf(0), again: false };

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open();
});
afterEach(() => fleet.end());

/** Fences position 0: changes or creates its record, so that a claim that a worker decided on earlier fails. */
const fence = async () =>
  await fenceClaims(fleet.worker.context, EAST, [REF], await readInstances(fleet.store, [REF]));

describe('fenceClaims', () => {
  it('a first claim that a worker decided on before the fence fails, and a claim decided on after the fence succeeds', async () => {
    expect(await fence()).toEqual([idOf(0)]);
    expect(await claimInstances(fleet.worker.context, [first])).toEqual({ won: [], stopped: [] });
    const planned = await fleet.claimed();
    expect(planned).toMatchObject({ status: 'Planned', attempt: 0 });
    const { won } = await claimInstances(fleet.worker.context, [{ ...first, record: planned }]);
    expect(won).toMatchObject([{ attempt: 1, launchToken: `${idOf(0)}.1`, status: 'Creating' }]);
    expect(await fleet.counts()).toEqual({ Creating: 1 });
  });

  it('a fence writes a Planned record that is not in the site’s index', async () => {
    await fence();
    expect(await readSiteEntries(fleet.store, CONNECTION, 'east')).toEqual([]);
    expect(await fleet.counts()).toEqual({ Planned: 1 });
  });

  it('a worker that decided before the fence to repeat a refused attempt does not get the claim', async () => {
    await claimInstances(fleet.worker.context, [first]);
    await updateInstance(fleet.store, await fleet.claimed(), { launchState: 'refused' });
    const decidedOn = { ...first, again: true, record: await fleet.claimed() };
    expect(await fence()).toEqual([idOf(0)]);
    const taken = await retakeClaims(fleet.worker.context, [decidedOn], new Map());
    expect(taken).toEqual({ won: [], stopped: [] });
  });

  it('a position is not fenced if its record changed after the caller’s read', async () => {
    await claimInstances(fleet.worker.context, [first]);
    const records = await readInstances(fleet.store, [REF]);
    await updateInstance(fleet.store, await fleet.claimed(), { launchState: 'refused' });
    expect(await fenceClaims(fleet.worker.context, EAST, [REF], records)).toEqual([]);
  });

  it('a position is not fenced if a worker claims it before the fence is written', async () => {
    const records = await readInstances(fleet.store, [REF]);
    await claimInstances(fleet.worker.context, [first]);
    expect(await fenceClaims(fleet.worker.context, EAST, [REF], records)).toEqual([]);
    expect(await fleet.record()).toMatchObject({ status: 'Creating', launchState: 'claimed' });
  });

  it('while launching is paused, fenceClaims counts a position as fenced without a write', async () => {
    await fleet.stopLaunching('paused');
    expect(await fence()).toEqual([idOf(0)]);
    expect(await fleet.record()).toBeUndefined();
  });
});
