import { afterEach, describe, expect, it } from 'vitest';
import { claimInstances } from '../../../../functions/features/instances/claim.ts';
import type { Applied } from '../../../../functions/features/poller/apply-changes.ts';
import type { SlotDecision } from '../../../../functions/features/poller/decide-slots.ts';
import type { Observed } from '../../../../functions/features/poller/poll.ts';
import { releaseSlotsOf, tellGovernor } from '../../../../functions/features/poller/release.ts';
import { recordFeedback } from '../../../../functions/platform/governor/create-feedback.ts';
import { readHolders, readSiteState } from '../../../../functions/platform/governor/hold-location.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { governed } from '../../../../functions/platform/worker/context.ts';
import { want } from '../../platform/governor/wanted.ts';
import { EAST, FLEET, idOf, launchOf, OneFleet, type OneFleetOptions, WEST } from '../one-fleet/one-fleet.ts';

const NONE: SlotDecision = {
  claiming: new Set(),
  abandoned: [],
  ended: [],
  moved: [],
  leaving: [],
  waiting: [],
};

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet = await OneFleet.open(options);
}
const site = async () => governed(EAST, await fleet.opened());
const permit = async (index: number) =>
  await permitCreates(fleet.store, await site(), [want(idOf(index), { fleetId: FLEET })]);

/** Returns the observation of a poll that sees the current slots and no machine. `changes` replaces fields. */
async function observed(changes: Partial<Observed> = {}): Promise<Observed> {
  return {
    snapshot: { entries: [], seen: [], seenAtMs: fleet.nowMs, isFull: false },
    state: await readSiteState(fleet.store, EAST),
    holders: await readHolders(fleet.store, EAST),
    machines: new Map(),
    picked: {
      rereadIds: [],
      restingIds: [],
      staleHolders: {},
      creating: [],
      pending: {},
      withDeadlines: false,
    },
    records: new Map(),
    found: [],
    movable: new Set(),
    ...changes,
  };
}
const afterWrites = (records: readonly InstanceItem[] = [], gone: string[] = []): Applied => ({
  written: new Set(),
  after: new Map(records.map((one) => [one.instanceId, one])),
  gone,
});
async function release(
  decision: Partial<SlotDecision>,
  records: readonly InstanceItem[] = [],
  seen?: Observed,
): Promise<string[]> {
  const poll = await fleet.takePoll();
  const known = seen ?? (await observed());
  return [...(await releaseSlotsOf(poll, known, afterWrites(records), { ...NONE, ...decision }))];
}

describe('releaseSlotsOf', () => {
  it('after a poll has given an abandoned slot back, a claim that a worker decided on earlier fails', async () => {
    await open();
    await permit(0);
    expect(await release({ abandoned: [idOf(0)] })).toEqual([idOf(0)]);
    expect(await fleet.holders()).toEqual([]);
    const { won } = await claimInstances(fleet.worker.context, [{ message: launchOf(0), again: false }]);
    expect(won).toEqual([]);
  });

  it('an abandoned slot is not given back if its worker writes the claim after the poll has read the slots', async () => {
    await open();
    await permit(0);
    const seen = await observed();
    await claimInstances(fleet.makeWorker().context, [{ message: launchOf(0), again: false }]);
    expect(await release({ abandoned: [idOf(0)] }, [], seen)).toEqual([]);
    expect(await fleet.holders()).toEqual([0]);
  });

  it('a poll does not give an abandoned slot back if the poll cannot write the fence that makes earlier claims fail', async () => {
    await open();
    await fleet.handle(launchOf(0));
    const failed = { ...(await fleet.claimed()), status: 'Failed' as const };
    await updateInstance(fleet.store, await fleet.claimed(), { claimUntilMs: 1 });
    await release({ abandoned: [idOf(0)], ended: [failed] }, [failed]);
    expect(fleet.outcomes.size).toBe(0);
    expect(await fleet.holders()).toEqual([0]);
  });

  it('a poll does not give a slot back if the slot’s permit was given after the poll had read the slots', async () => {
    await open();
    const seen = await observed();
    await fleet.handle(launchOf(0));
    const running = { ...(await fleet.claimed()), status: 'Running' as const };
    await release({ ended: [running] }, [running], seen);
    expect(await fleet.holders()).toEqual([0]);
  });

  it('for an instance that has moved away, a poll first sends the launch and then gives the slot back', async () => {
    await open({ locations: ['east', 'west'] });
    await fleet.handle(launchOf(0));
    const moved = { ...(await fleet.claimed()), status: 'Planned' as const, location: 'west' };
    fleet.history.length = 0;
    await release({ moved: [moved] }, [moved]);
    expect(fleet.history).toEqual(['send launch 0', 'slot 0 returned']);
    expect(fleet.sent('launch')).toEqual([launchOf(0, WEST)]);
  });

  it('if an instance never ran and its machine is being removed, a poll gives the instance’s slot back', async () => {
    await open();
    await fleet.handle(launchOf(0));
    await release({ leaving: [idOf(0)] });
    expect(await fleet.holders()).toEqual([]);
    expect(fleet.outcomes.size).toBe(0);
  });
});

describe('tellGovernor', () => {
  const LATE_MS = 10 * 60_000 + 1;
  const creating = { backendId: 'm1', instanceId: idOf(0), status: 'Creating' as const };

  it.each([
    [
      'a poll renews a slot that is over ten minutes old if the cloud shows the machine in Creating',
      'Creating',
      LATE_MS,
      true,
    ],
    ['a poll does not renew a slot that is at most ten minutes old', 'Creating', LATE_MS - 1, false],
    ['a poll does not renew the slot of a running instance', 'Running', LATE_MS, false],
  ] as const)('%s', async (_, status, elapsedMs, isRenewed) => {
    await open();
    await permit(0);
    const [sinceMs = 0] = Object.values(await readHolders(fleet.store, EAST));
    fleet.nowMs += elapsedMs;
    const seen = await observed({ machines: new Map([[idOf(0), [{ ...creating, status }]]]) });
    await tellGovernor(await fleet.takePoll(), seen, afterWrites(), new Set());
    expect(Object.values(await readHolders(fleet.store, EAST))).toEqual([isRenewed ? fleet.nowMs : sinceMs]);
  });

  it('a poll does not renew a slot if the slot’s permit was replaced after the poll had read the slots', async () => {
    await open();
    await permit(0);
    fleet.nowMs += LATE_MS;
    const seen = await observed({ machines: new Map([[idOf(0), [creating]]]) });
    const older = { ...seen, holders: { [idOf(0)]: fleet.nowMs - LATE_MS - 1 } };
    const before = await readHolders(fleet.store, EAST);
    await tellGovernor(await fleet.takePoll(), older, afterWrites(), new Set());
    expect(await readHolders(fleet.store, EAST)).toEqual(before);
  });

  it('a poll clears the cache of used-up quotas when an instance is gone, and not before', async () => {
    await open();
    const wanted = want(idOf(0), { fleetId: FLEET });
    await recordFeedback(fleet.store, await site(), [{ kind: 'no-quota', wanted, message: 'full' }], []);
    const tell = async (gone: string[]) => {
      await tellGovernor(await fleet.takePoll(), await observed(), afterWrites([], gone), new Set());
      return Object.keys((await readSiteState(fleet.store, EAST))?.closed ?? {});
    };
    expect(await tell([])).toEqual(['m6i']);
    expect(await tell([idOf(1)])).toEqual([]);
  });

  it('with pacing all-at-once, a poll records the time at which the first machine runs', async () => {
    await open({ size: 2, limits: { pacing: 'all-at-once' } });
    await fleet.handle(launchOf(0));
    const tell = async (running: string[]) => {
      await tellGovernor(await fleet.takePoll(), await observed(), afterWrites(), new Set(running));
      return (await readSiteState(fleet.store, EAST))?.ranAtMs;
    };
    expect(await tell([])).toBeUndefined();
    expect(await tell([idOf(0)])).toBe(fleet.nowMs);
  });
});
