import { describe, expect, it } from 'vitest';
import { intendNetwork } from '../../functions/platform/store/networks.ts';
import {
  blockPlacement,
  closePlacement,
  openPlacement,
  readPlacement,
  restPlacement,
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
    rest: (round: number) => restPlacement(store, fleetId, placement, round),
    close: () => closePlacement(store, fleetId, placement),
    read: () => readPlacement(store, fleetId, ref.connectionKey, ref.location),
    claim: (round = 1) =>
      transition(store, ref, [{ kind: 'claim', record: claimOf(fleetId, 0, { round }) }], 0),
  };
}

const fenced = { applied: [], refused: [], gateClosed: true };

describe('a gate', () => {
  it('that rests keeps claims out until a later round opens it', async () => {
    const { rest, open, claim, read } = await placed('resting');
    await rest(1);
    expect(await claim()).toEqual(fenced);
    await open(1);
    expect([await read(), await claim()]).toMatchObject([{ gate: 'resting', round: 1 }, fenced]);
    await open(2);
    expect(await read()).toMatchObject({ gate: 'open', round: 2 });
    // What comes late from the first round is not counted any more.
    expect(await claim(1)).toEqual(fenced);
    expect((await claim(2)).applied).toHaveLength(1);
  });

  it('is rested by nobody who is late: the next round has opened it', async () => {
    const { rest, open, read } = await placed('late-rest');
    await rest(1);
    await open(2);
    await rest(1);
    expect(await read()).toMatchObject({ gate: 'open', round: 2 });
  });

  it('is opened by no planning that is late: the launches of its round were stopped', async () => {
    const { rest, open, claim, read } = await placed('late-open');
    await rest(1);
    // Held in the second round, before its plan came to open this.
    await rest(2);
    await open(2);
    expect([await read(), await claim()]).toMatchObject([{ gate: 'resting', round: 2 }, fenced]);
    await open(3);
    expect(await read()).toMatchObject({ gate: 'open', round: 3 });
  });

  it('that is closed stays so in whatever round', async () => {
    const { rest, open, close, claim, read } = await placed('closed-for-ever');
    await close();
    for (const round of [1, 2, 9]) {
      await open(round);
      await rest(round);
      expect(await read()).toMatchObject({ gate: 'closed' });
    }
    expect(await claim()).toEqual(fenced);
  });

  it('is there before planning came to it, whoever stops the launches first', async () => {
    const { fleetId, placement } = await openedFleet(store, 'unplanned');
    const where = { ...placement, location: 'eu-north-1' };
    await restPlacement(store, fleetId, where, 1);
    await openPlacement(store, fleetId, where, 1);
    expect(await readPlacement(store, fleetId, where.connectionKey, 'eu-north-1')).toMatchObject({
      gate: 'resting',
    });
    const never = { ...placement, location: 'eu-north-2' };
    await closePlacement(store, fleetId, never);
    await openPlacement(store, fleetId, never, 5);
    expect(await readPlacement(store, fleetId, never.connectionKey, 'eu-north-2')).toMatchObject({
      gate: 'closed',
    });
  });

  it('opened anew forgets why nothing could be launched, opened again it does not', async () => {
    const { ref, open, rest, read } = await placed('unblocked');
    await blockPlacement(store, ref, { code: 'QuotaExceeded', message: 'no network' });
    await open(1);
    expect((await read())?.blocked).toMatchObject({ code: 'QuotaExceeded' });
    await rest(1);
    await open(2);
    expect((await read())?.blocked).toBeUndefined();
  });

  it('that rests keeps network resources out, too', async () => {
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
    expect(await intendNetwork(store, item)).toBe('closed');
  });
});

describe('a claim taken over', () => {
  const fields = { launchState: 'claimed' as const, claimUntilMs: 200_000, taskToken: 'second' };

  it('is taken once, by whoever read it as it stands', async () => {
    const { claim, fleetId } = await placed('retaken');
    await claim();
    const stands = claimOf(fleetId, 0);
    const outcomes = await Promise.all([1, 2, 3].map(() => retakeClaim(store, stands, fields)));
    expect(outcomes.toSorted()).toEqual(['lost', 'lost', 'taken']);
    expect(await retakeClaim(store, { ...stands, claimUntilMs: 200_000, attempt: 2 }, fields)).toBe('lost');
  });

  it('is fenced by a gate that rests or is closed', async () => {
    const { claim, fleetId, rest, close } = await placed('retaken-late');
    await claim();
    await rest(1);
    expect(await retakeClaim(store, claimOf(fleetId, 0), fields)).toBe('closed');
    await close();
    expect(await retakeClaim(store, claimOf(fleetId, 0), fields)).toBe('closed');
  });
});
