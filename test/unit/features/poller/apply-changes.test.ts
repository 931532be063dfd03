import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyDecided, endAttempts } from '../../../../functions/features/poller/apply-changes.ts';
import type { Decided } from '../../../../functions/features/poller/decide-changes.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { readSiteOrphans } from '../../../../functions/platform/store/orphans.ts';
import { type StatusChange, updateInstance } from '../../../../functions/platform/store/transition.ts';
import { CONNECTION, idOf, launchOf, OneFleet, type Worker } from '../one-fleet/one-fleet.ts';

const NOTHING: Decided = { changes: [], endedAttempts: [], adopted: [], removals: [] };
const FAILURE = { code: 'CloudFailed', message: 'no host' };
const VANISHED = { failure: { code: 'Vanished', message: 'gone' } };

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open({ size: 2 });
  await fleet.handle(launchOf(0));
  await fleet.handle(launchOf(1));
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

const running = (record: InstanceItem): StatusChange => ({
  kind: 'change',
  record,
  to: 'Running',
  fields: {},
});
async function apply(changes: StatusChange[], worker: Worker = fleet.worker) {
  const records = new Map(changes.map(({ record }) => [record.instanceId, record]));
  const poll = await fleet.takePoll(worker);
  const applied = await fleet.run(worker, () => applyDecided(poll, { changes }, records));
  return applied === 'died' ? undefined : applied;
}
const findings = async () => await readSiteOrphans(fleet.store, CONNECTION, 'east');

describe('applyDecided', () => {
  it('applyDecided writes the changes and the placement’s counters, and returns the changed records', async () => {
    const applied = await apply([running(await fleet.claimed(0)), running(await fleet.claimed(1))]);
    expect([...(applied?.written ?? [])]).toEqual([idOf(0), idOf(1)]);
    expect(applied?.after.get(idOf(0))).toMatchObject({ status: 'Running' });
    expect(applied?.gone).toEqual([]);
    expect(await fleet.counts()).toEqual({ Running: 2 });
  });

  it.each([
    ['another round', { round: 2 }],
    ['another launch state', { launchState: 'unknown' as const }],
    ['a renewed claim', { claimUntilMs: 1 }],
  ])(
    'a poll does not change a record that got %s after the poll’s read, and changes the other records',
    async (_, fields) => {
      const changes = [running(await fleet.claimed(0)), running(await fleet.claimed(1))];
      await updateInstance(fleet.store, await fleet.claimed(0), fields);
      const changed = await fleet.record(0);
      const applied = await apply(changes);
      expect([...(applied?.written ?? [])]).toEqual([idOf(1)]);
      expect(applied?.after.get(idOf(0))).toMatchObject({ status: 'Creating' });
      expect(await fleet.record(0)).toEqual(changed);
      expect(await fleet.counts()).toEqual({ Creating: 1, Running: 1 });
    },
  );

  it('a change is written only once if two polls decide on the same change', async () => {
    const changes = [running(await fleet.claimed(0))];
    await apply(changes);
    const again = await apply(changes, fleet.makeWorker());
    expect([...(again?.written ?? [])]).toEqual([]);
    expect(await fleet.counts()).toEqual({ Creating: 1, Running: 1 });
  });

  it('applyDecided lists the records that it closed', async () => {
    const record = await fleet.claimed(0);
    const applied = await apply([{ kind: 'change', record, to: 'Failed', fields: { failure: FAILURE } }]);
    expect(applied?.gone).toEqual([idOf(0)]);
  });

  it('a poll writes the finding about a vanished machine before it closes the record', async () => {
    await apply([running(await fleet.claimed(0))]);
    const record = await fleet.claimed(0);
    const change: StatusChange = { kind: 'change', record, to: 'Terminated', fields: VANISHED };
    await apply([change], fleet.makeWorker({ at: /TransactWriteCommand.*INST#/, does: 'die' }));
    expect(await fleet.record(0)).toMatchObject({ status: 'Running' });
    expect(await findings()).toMatchObject([{ reason: 'missing', state: 'Missing', backendId: 'm1' }]);
    await apply([change]);
    expect(await fleet.record(0)).toMatchObject({ status: 'Terminated' });
    expect(await findings()).toMatchObject([{ state: 'Vanished' }]);
  });

  it('a finding stays Missing if the record of its machine could not be closed', async () => {
    await apply([running(await fleet.claimed(0))]);
    const record = await fleet.claimed(0);
    await updateInstance(fleet.store, record, { claimUntilMs: 1 });
    await apply([{ kind: 'change', record, to: 'Terminated', fields: VANISHED }]);
    expect(await findings()).toMatchObject([{ state: 'Missing' }]);
  });

  it('a poll schedules the review of a fleet before it writes that an instance recovered', async () => {
    const record = await fleet.claimed(0);
    fleet.putRecord({ ...record, status: 'Undefined' });
    const change = running(await fleet.claimed(0));
    await apply([change], fleet.makeWorker({ at: /TransactWriteCommand.*INST#/, does: 'die' }));
    expect(fleet.sent('review-fleet')).toHaveLength(1);
  });
});

describe('endAttempts', () => {
  const end = async (decided: Partial<Decided>) =>
    await fleet.run(fleet.worker, async () =>
      endAttempts(await fleet.takePoll(), { ...NOTHING, ...decided }),
    );
  /** Writes the record of an instance whose create call got no answer, and returns the record. */
  const unbound = async (): Promise<InstanceItem> => {
    const { backendId: _unknown, acceptedAtMs: _when, ...record } = await fleet.claimed(0);
    const lost = { ...record, launchState: 'unknown' as const, unknownSinceMs: fleet.nowMs };
    fleet.putRecord(lost);
    return lost;
  };
  const machine = { backendId: 'm1', instanceId: idOf(0), launchToken: `${idOf(0)}.1` };

  it('endAttempts writes the record as Failed, then gives the slot back', async () => {
    const record = { ...(await fleet.claimed(0)), status: 'Terminating' as const };
    fleet.putRecord(record);
    fleet.history.length = 0;
    await end({ endedAttempts: [{ record, failure: FAILURE }] });
    expect(fleet.history).toEqual(['record 0 Failed accepted', 'slot 0 returned']);
  });

  it('a poll binds a machine to its record when the answer to the create call was lost', async () => {
    await end({ adopted: [{ record: await unbound(), machine: { ...machine, status: 'Creating' } }] });
    expect(await fleet.record(0)).toMatchObject({ launchState: 'accepted', backendId: 'm1' });
    expect(await fleet.holders()).toEqual([0, 1]);
  });

  it('a poll that adopts a running machine writes Running, then gives the slot back', async () => {
    const record = await unbound();
    fleet.history.length = 0;
    await end({ adopted: [{ record, machine: { ...machine, status: 'Running' } }] });
    expect(fleet.history).toEqual(['record 0 Running accepted', 'slot 0 returned']);
  });

  it('a poll removes a machine instead of adopting it if the record was closed after the poll’s read', async () => {
    const record = await unbound();
    fleet.putRecord({ ...record, status: 'Failed' });
    await end({ adopted: [{ record, machine: { ...machine, status: 'Creating' } }] });
    expect(fleet.history.at(-1)).toBe('terminate m1');
    expect(await fleet.record(0)).toMatchObject({ status: 'Failed' });
  });

  it('a poll removes a machine instead of adopting it if the record was bound to another machine after the poll’s read', async () => {
    const record = await unbound();
    fleet.putRecord({ ...record, launchState: 'accepted', backendId: 'm2' });
    await end({ adopted: [{ record, machine: { ...machine, status: 'Creating' } }] });
    expect(fleet.history.filter((one) => one.startsWith('terminate'))).toEqual(['terminate m1']);
    expect(await fleet.record(0)).toMatchObject({ backendId: 'm2' });
  });

  it('a poll pauses launching when the loss of an instance decides the fleet’s verdict', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 2, failurePolicy: 'rollback' });
    await fleet.handle(launchOf(0));
    const record = await fleet.claimed(0);
    const fields = { closeAs: 'Failed' as const, failure: FAILURE };
    const changes: StatusChange[] = [{ kind: 'change', record, to: 'Terminating', fields }];
    await apply(changes);
    await end({ changes });
    expect((await fleet.placement()).launching).toBe('paused');
  });
});
