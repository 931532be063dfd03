import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { decideChanges } from '../../../../functions/features/poller/decide-changes.ts';
import {
  decideSlots,
  stillInTransition,
  unusedSlots,
} from '../../../../functions/features/poller/decide-slots.ts';
import { pick } from '../../../../functions/features/poller/pick.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { record } from '../../../samples/records.ts';

const idOf = (index: number) => `f0123456789abcdef-0000${index}`;
const ONE = idOf(0);
const TWO = idOf(1);
const THREE = idOf(2);
const NOW_MS = 1_000_000;
const SITE = { connectionKey: 'sim/default/sim-aws', location: 'us-east-1' };

const machine = (instanceId: string, status: CloudInstance['status']): CloudInstance => ({
  backendId: `i-${instanceId}`,
  instanceId,
  status,
});
const entry = (siteSk: string, status: InstanceItem['status'], backendId?: string) => ({
  siteSk,
  status,
  launchToken: `${siteSk}.1`,
  ...(backendId === undefined ? {} : { backendId }),
});

describe('pick', () => {
  const takeSnapshot = (entries: ReturnType<typeof entry>[]) => ({
    entries,
    seen: [],
    seenAtMs: NOW_MS,
    isFull: true,
  });

  it('a poll re-reads only the records that do not agree with the cloud', () => {
    const entries = [entry(ONE, 'Running', `i-${ONE}`), entry(TWO, 'Creating', `i-${TWO}`)];
    const machines = new Map([ONE, TWO].map((id) => [id, [machine(id, 'Running')]]));
    const picked = pick(takeSnapshot(entries), machines, {}, NOW_MS);
    expect(picked.rereadIds).toEqual([TWO]);
    expect(picked.creating).toEqual([TWO]);
  });

  it('a slot holder is stale if its record is not in Creating, or still has no machine long after the permit', () => {
    const entries = [entry(ONE, 'Running', 'i-1'), entry(TWO, 'Creating'), entry(THREE, 'Creating')];
    const holders = { [ONE]: NOW_MS, [TWO]: NOW_MS - 1_000, [THREE]: NOW_MS - 600_000 };
    const { staleHolders, pending } = pick(takeSnapshot(entries), new Map(), holders, NOW_MS);
    expect(Object.keys(staleHolders)).toEqual([ONE, THREE]);
    expect(Object.keys(pending)).toEqual([TWO, THREE]);
  });

  it('a poll re-reads all records in Creating once a minute, to check their deadlines', () => {
    const entries = [entry(ONE, 'Creating', `i-${ONE}`)];
    const machines = new Map([[ONE, [machine(ONE, 'Creating')]]]);
    expect(pick(takeSnapshot(entries), machines, {}, NOW_MS).rereadIds).toEqual([]);
    expect(pick(takeSnapshot(entries), machines, {}, NOW_MS - 60_000).rereadIds).toEqual([ONE]);
  });
});

describe('decideChanges', () => {
  it('decideChanges sorts findings into changes, ended attempts, removals and adoptions', () => {
    const failure = { code: 'CloudFailed', message: 'no host' };
    const found = [
      { record: record({ instanceId: ONE }), finding: { action: 'change', to: 'Running', fields: {} } },
      { record: record({ instanceId: TWO }), finding: { action: 'end-attempt', failure } },
      { record: record({ instanceId: THREE }), finding: { action: 'terminate', backendId: 'i-3' } },
      { record: record(), finding: { action: 'adopt', machine: machine(ONE, 'Creating') } },
      { record: record(), finding: { action: 'confirm', backendId: 'i-1' } },
      { record: record(), finding: { action: 'none' } },
    ] as const;
    const decided = decideChanges({ found, movable: new Set() });
    expect(decided.changes.map((one) => [one.record.instanceId, one.to])).toEqual([[ONE, 'Running']]);
    expect(decided.endedAttempts).toEqual([{ record: found[1].record, failure }]);
    expect(decided.removals).toEqual([{ record: found[2].record, backendId: 'i-3' }]);
    expect(decided.adopted).toHaveLength(1);
  });

  it('a failing instance is closed as Planned if it may move to another location, and as Failed otherwise', () => {
    const fields = { closeAs: 'Failed', failure: { code: 'CloudFailed', message: 'no host' } } as const;
    const found = [
      { record: record({ instanceId: ONE }), finding: { action: 'change', to: 'Terminating', fields } },
    ] as const;
    const closeAs = (movable: ReadonlySet<string>) =>
      decideChanges({ found, movable }).changes[0]?.fields?.closeAs;
    expect(closeAs(new Set())).toBe('Failed');
    expect(closeAs(new Set([ONE]))).toBe('Planned');
  });
});

describe('decideSlots', () => {
  const decide = (
    records: readonly InstanceItem[],
    staleHolders: Record<string, number>,
    written: string[] = [],
  ) => {
    const applied = {
      written: new Set(written),
      after: new Map(records.map((one) => [one.instanceId, one])),
      gone: [],
    };
    const picked = {
      rereadIds: [],
      restingIds: [],
      staleHolders,
      creating: [],
      pending: {},
      withDeadlines: false,
    };
    const machines = new Map([[THREE, [machine(THREE, 'Terminating')]]]);
    return { applied, decision: decideSlots({ picked, machines }, applied, SITE, NOW_MS) };
  };

  it('a slot holder keeps its slot while its worker may be about to claim the instance', () => {
    const { decision } = decide([], { [ONE]: NOW_MS - 1_000 });
    expect([...decision.claiming]).toEqual([ONE]);
    expect(decision.abandoned).toEqual([]);
  });

  it('an old slot without a claim is abandoned, and is given back only after a fence (a write that makes earlier claims fail)', () => {
    const { applied, decision } = decide([], { [ONE]: NOW_MS - 600_000 });
    expect(decision.abandoned).toEqual([ONE]);
    expect(unusedSlots(applied, decision, new Set())).toEqual([]);
    expect(unusedSlots(applied, decision, new Set([ONE]))).toEqual([ONE]);
    expect(stillInTransition(applied, decision, new Set())).toBe(1);
    expect(stillInTransition(applied, decision, new Set([ONE]))).toBe(0);
  });

  it('a slot is given back when its instance runs, has moved or is being removed', () => {
    const running = record({ instanceId: ONE, status: 'Running' });
    const elsewhere = record({ instanceId: TWO, location: 'eu-west-1' });
    const going = record({ instanceId: THREE, status: 'Terminating', backendId: `i-${THREE}` });
    const staleHolders = { [TWO]: NOW_MS, [THREE]: NOW_MS };
    const { decision } = decide([running, elsewhere, going], staleHolders, [ONE]);
    expect(decision.ended.map(({ instanceId }) => instanceId)).toContain(ONE);
    expect(decision.moved).toEqual([elsewhere]);
    expect(decision.leaving).toEqual([THREE]);
  });
});
