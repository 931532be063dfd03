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

const stopped = { applied: [], refused: [], stoppedByGate: true };

describe('the launch gate', () => {
  it('keeps claims out while launching is paused, until a later round resumes it', async () => {
    const { rest, open, claim, read } = await placed('paused');
    await rest(1);
    expect(await claim()).toEqual(stopped);
    await open(1);
    expect([await read(), await claim()]).toMatchObject([{ launching: 'paused', round: 1 }, stopped]);
    await open(2);
    expect(await read()).toMatchObject({ launching: 'on', round: 2 });
    // What comes late from the first round is not counted any more.
    expect(await claim(1)).toEqual(stopped);
    expect((await claim(2)).applied).toHaveLength(1);
  });

  it('is not paused by a worker that is late: the next round has turned launching on', async () => {
    const { rest, open, read } = await placed('late-rest');
    await rest(1);
    await open(2);
    await rest(1);
    expect(await read()).toMatchObject({ launching: 'on', round: 2 });
  });

  it('is not opened by an Assign step that is late: the launches of its round were stopped', async () => {
    const { rest, open, claim, read } = await placed('late-open');
    await rest(1);
    // Held in the second round, before its Assign step turned launching on.
    await rest(2);
    await open(2);
    expect([await read(), await claim()]).toMatchObject([{ launching: 'paused', round: 2 }, stopped]);
    await open(3);
    expect(await read()).toMatchObject({ launching: 'on', round: 3 });
  });

  it('that is closed stays so in whatever round', async () => {
    const { rest, open, close, claim, read } = await placed('closed-for-ever');
    await close();
    for (const round of [1, 2, 9]) {
      await open(round);
      await rest(round);
      expect(await read()).toMatchObject({ launching: 'ended' });
    }
    expect(await claim()).toEqual(stopped);
  });

  it('is there before the Assign step came to it, whatever stops the launches first', async () => {
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

  it('a gate forgets why nothing could be launched when a later round opens it, but not within a round', async () => {
    const { ref, open, rest, read } = await placed('unblocked');
    await blockPlacement(store, ref, { code: 'QuotaExceeded', message: 'no network' });
    await open(1);
    expect((await read())?.blocked).toMatchObject({ code: 'QuotaExceeded' });
    await rest(1);
    await open(2);
    expect((await read())?.blocked).toBeUndefined();
  });

  it('keeps network resources out while launching is paused, too', async () => {
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

describe('a claim taken over', () => {
  const fields = { launchState: 'claimed' as const, claimUntilMs: 200_000, taskToken: 'second' };

  it('only one of several workers that read the same claim takes it over', async () => {
    const { claim, fleetId } = await placed('retaken');
    await claim();
    const stands = claimOf(fleetId, 0);
    const outcomes = await Promise.all([1, 2, 3].map(() => retakeClaim(store, stands, fields)));
    expect(outcomes.toSorted()).toEqual(['lost', 'lost', 'taken']);
    expect(await retakeClaim(store, { ...stands, claimUntilMs: 200_000, attempt: 2 }, fields)).toBe('lost');
  });

  it('is stopped while launching is paused or has ended', async () => {
    const { claim, fleetId, rest, close } = await placed('retaken-late');
    await claim();
    await rest(1);
    expect(await retakeClaim(store, claimOf(fleetId, 0), fields)).toBe('stopped');
    await close();
    expect(await retakeClaim(store, claimOf(fleetId, 0), fields)).toBe('stopped');
  });
});
