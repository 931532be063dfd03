import { describe, expect, it } from 'vitest';
import { UNCLAIMED_SLOT_MS } from '../../../../functions/features/poller/abandoned-slots.ts';
import {
  decideSlots,
  stillInTransition,
  unusedSlots,
} from '../../../../functions/features/poller/decide-slots.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { record } from '../../../samples/records.ts';

const NOW = 1_000_000_000;
const SITE = { connectionKey: 'sim/default/sim-aws', location: 'us-east-1' };
const ID = record().instanceId;
const LATE = NOW - UNCLAIMED_SLOT_MS - 1;
const IN_TIME = NOW - UNCLAIMED_SLOT_MS;

/**
 * Decides about the slot of one instance.
 *
 * @param one the instance's record after the poll's writes
 * @param heldSinceMs time at which the instance got the slot; undefined if the instance holds no slot
 * @param isWritten true if the poll changed the record
 */
function decide(one: InstanceItem | undefined, heldSinceMs: number | undefined, isWritten = false) {
  const applied = {
    written: new Set(isWritten ? [ID] : []),
    after: new Map(one ? [[ID, one]] : []),
    gone: [],
  };
  const staleHolders: Record<string, number> = heldSinceMs === undefined ? {} : { [ID]: heldSinceMs };
  const picked = {
    rereadIds: [],
    restingIds: [],
    staleHolders,
    creating: [],
    pending: {},
    withDeadlines: false,
  };
  const machines = new Map([[ID, [{ backendId: 'i-1', instanceId: ID, status: 'Terminating' as const }]]]);
  const decision = decideSlots({ picked, machines }, applied, SITE, NOW);
  const endedIds = decision.ended.map(({ instanceId }) => instanceId);
  return { applied, decision, endedIds };
}

const closed = record({ status: 'Failed' });
const planned = record({ status: 'Planned' });
const refused = record({ status: 'Creating', launchState: 'refused' });

describe('decideSlots', () => {
  it.each([
    ['without a record', undefined],
    ['whose record is closed', closed],
    ['whose record is Planned at this site', planned],
  ])(
    'a slot holder %s keeps its slot for two minutes, because its worker may be about to claim the instance',
    (_, one) => {
      const early = decide(one, IN_TIME).decision;
      expect([...early.claiming]).toEqual([ID]);
      expect(early.abandoned).toEqual([]);
      expect(early.ended).toEqual([]);
      const late = decide(one, LATE).decision;
      expect([...late.claiming]).toEqual([]);
      expect(late.abandoned).toEqual([ID]);
    },
  );

  it('the slot of a refused attempt is abandoned when no worker repeats the call within two minutes', () => {
    expect(decide(refused, IN_TIME).decision.abandoned).toEqual([]);
    expect(decide(refused, LATE).decision.abandoned).toEqual([ID]);
  });

  it.each(['claimed', 'unknown', 'accepted'] as const)(
    'the slot of an attempt in launch state %s is never abandoned, because the attempt’s call may have made a machine',
    (launchState) => {
      const { decision } = decide(record({ status: 'Creating', launchState }), LATE);
      expect(decision.abandoned).toEqual([]);
      expect(unusedSlots(decide(record({ launchState }), LATE).applied, decision, new Set())).toEqual([]);
    },
  );

  it('the task of a running instance is completed if the poll wrote its record, or if the instance holds a slot', () => {
    const running = record({ status: 'Running' });
    expect(decide(running, undefined, true).endedIds).toEqual([ID]);
    expect(decide(running, NOW).endedIds).toEqual([ID]);
    expect(decide(running, undefined).endedIds).toEqual([]);
  });

  it('a poll finishes the move of an instance that is at another location and still holds a slot at this site', () => {
    const elsewhere = record({ status: 'Planned', location: 'eu-west-1' });
    const { decision } = decide(elsewhere, NOW);
    expect(decision).toMatchObject({ moved: [elsewhere], abandoned: [] });
    expect([...decision.claiming]).toEqual([]);
    expect(decide(elsewhere, undefined).decision.moved).toEqual([]);
  });

  it('the slot of an instance that never ran is unused when the cloud shows the instance’s own machine as Terminating', () => {
    const going = record({ status: 'Terminating', backendId: 'i-1' });
    const { applied, decision } = decide(going, NOW);
    expect(unusedSlots(applied, decision, new Set())).toEqual([ID]);
    const other = decide(record({ status: 'Terminating', backendId: 'i-2' }), NOW);
    expect(unusedSlots(other.applied, other.decision, new Set())).toEqual([]);
  });
});

describe('unusedSlots', () => {
  it('an abandoned slot counts as unused only after a fence (a write that makes earlier claims fail)', () => {
    const { applied, decision } = decide(undefined, LATE);
    expect(unusedSlots(applied, decision, new Set())).toEqual([]);
    expect(unusedSlots(applied, decision, new Set([ID]))).toEqual([ID]);
  });

  it('a closed instance is listed in `ended`, and its slot is not listed as unused', () => {
    const { applied, decision, endedIds } = decide(closed, LATE);
    expect(endedIds).toEqual([ID]);
    expect(unusedSlots(applied, decision, new Set([ID]))).toEqual([]);
  });
});

describe('stillInTransition', () => {
  const countOf = (one: InstanceItem | undefined, sinceMs: number | undefined, fenced: string[] = []) => {
    const { applied, decision } = decide(one, sinceMs);
    return stillInTransition(applied, decision, new Set(fenced));
  };

  it('stillInTransition counts records in transition, slot holders that may claim, and abandoned slots without a fence', () => {
    expect(countOf(record({ status: 'Terminating' }), undefined)).toBe(1);
    expect(countOf(record({ status: 'Running' }), undefined)).toBe(0);
    expect(countOf(undefined, IN_TIME)).toBe(1);
    expect(countOf(undefined, LATE)).toBe(1);
    expect(countOf(undefined, LATE, [ID])).toBe(0);
  });
});
