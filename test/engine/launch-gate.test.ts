import { describe, expect, it } from 'vitest';
import { intendNetwork } from '../../functions/platform/store/networks.ts';
import {
  blockPlacement,
  endPlacement,
  openPlacement,
  pausePlacement,
  readPlacement,
} from '../../functions/platform/store/placements.ts';
import { retakeClaim, transition } from '../../functions/platform/store/transition.ts';
import { claimOf, openedFleet } from './placed-fleet.ts';
import { useTables } from './tables.ts';

const store = useTables();

async function placed(name: string) {
  const { fleetId, placement, ref } = await openedFleet(store, name);
  return {
    fleetId,
    ref,
    open: (round: number) => openPlacement(store, fleetId, placement, round),
    rest: (round: number) => pausePlacement(store, fleetId, placement, round),
    close: () => endPlacement(store, fleetId, placement),
    read: () => readPlacement(store, fleetId, ref.connectionKey, ref.location),
    claim: (round = 1) =>
      transition(store, ref, [{ kind: 'claim', record: claimOf(fleetId, 0, { round }) }], 0),
  };
}

const stopped = { applied: [], refused: [], stoppedByGate: true, withoutSeat: [] };

describe('the launch gate', () => {
  it('a paused launch gate stops claims until a later round resumes launching', async () => {
    const { rest, open, claim, read } = await placed('paused');
    await rest(1);
    expect(await claim()).toEqual(stopped);
    await open(1);
    expect([await read(), await claim()]).toMatchObject([{ launching: 'paused', round: 1 }, stopped]);
    await open(2);
    expect(await read()).toMatchObject({ launching: 'on', round: 2 });
    // A late claim of the first round is still stopped.
    expect(await claim(1)).toEqual(stopped);
    expect((await claim(2)).applied).toHaveLength(1);
  });

  it('a late pause of an earlier round does not pause the next round', async () => {
    const { rest, open, read } = await placed('late-rest');
    await rest(1);
    await open(2);
    await rest(1);
    expect(await read()).toMatchObject({ launching: 'on', round: 2 });
  });

  it('a late Assign step does not turn launching on in a round that was paused already', async () => {
    const { rest, open, claim, read } = await placed('late-open');
    await rest(1);
    // The user holds the fleet in its second round, before the Assign step of that round.
    await rest(2);
    await open(2);
    expect([await read(), await claim()]).toMatchObject([{ launching: 'paused', round: 2 }, stopped]);
    await open(3);
    expect(await read()).toMatchObject({ launching: 'on', round: 3 });
  });

  it('launching that has ended stays ended in every later round', async () => {
    const { rest, open, close, claim, read } = await placed('closed-for-ever');
    await close();
    for (const round of [1, 2, 9]) {
      await open(round);
      await rest(round);
      expect(await read()).toMatchObject({ launching: 'ended' });
    }
    expect(await claim()).toEqual(stopped);
  });

  it('if launching is paused or ended before the Assign step, the placement exists and the step does not turn launching on', async () => {
    const { fleetId, placement } = await openedFleet(store, 'unplanned');
    const where = { ...placement, location: 'eu-north-1' };
    await pausePlacement(store, fleetId, where, 1);
    await openPlacement(store, fleetId, where, 1);
    expect(await readPlacement(store, fleetId, where.connectionKey, 'eu-north-1')).toMatchObject({
      launching: 'paused',
    });
    const never = { ...placement, location: 'eu-north-2' };
    await endPlacement(store, fleetId, never);
    await openPlacement(store, fleetId, never, 5);
    expect(await readPlacement(store, fleetId, never.connectionKey, 'eu-north-2')).toMatchObject({
      launching: 'ended',
    });
  });

  it('a later round clears the block of a placement, but the same round does not', async () => {
    const { ref, open, rest, read } = await placed('unblocked');
    await blockPlacement(store, ref, { code: 'QuotaExceeded', message: 'no network' });
    await open(1);
    expect((await read())?.blocked).toMatchObject({ code: 'QuotaExceeded' });
    await rest(1);
    await open(2);
    expect((await read())?.blocked).toBeUndefined();
  });

  it('a paused launch gate stops the creation of network resources', async () => {
    const { fleetId, ref, rest } = await placed('no-networks');
    await rest(1);
    const item = {
      ...ref,
      fleetId,
      kind: 'network' as const,
      name: 'n',
      status: 'Creating' as const,
      createdAtMs: 0,
      failingSinceMs: 0,
      claimUntilMs: 0,
      neededBy: ['web'],
    };
    expect(await intendNetwork(store, item)).toBe('stopped');
  });
});

describe('retakeClaim', () => {
  const fields = { launchState: 'claimed' as const, claimUntilMs: 200_000 };

  it('only one of several workers that read the same claim takes it over', async () => {
    const { claim, fleetId } = await placed('retaken');
    await claim();
    const stands = claimOf(fleetId, 0);
    const outcomes = await Promise.all([1, 2, 3].map(() => retakeClaim(store, stands, fields)));
    expect(outcomes.toSorted()).toEqual(['lost', 'lost', 'taken']);
    expect(await retakeClaim(store, { ...stands, claimUntilMs: 200_000, attempt: 2 }, fields)).toBe('lost');
  });

  it('a claim is not taken over while launching is paused or has ended', async () => {
    const { claim, fleetId, rest, close } = await placed('retaken-late');
    await claim();
    await rest(1);
    expect(await retakeClaim(store, claimOf(fleetId, 0), fields)).toBe('stopped');
    await close();
    expect(await retakeClaim(store, claimOf(fleetId, 0), fields)).toBe('stopped');
  });
});
