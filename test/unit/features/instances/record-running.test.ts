import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { recordRunning } from '../../../../functions/features/instances/record-running.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { ACK } from '../../../../functions/platform/worker/context.ts';
import { awaitOf, idOf, launchOf, OneFleet, type Worker } from '../one-fleet/one-fleet.ts';

const CHANGE = /TransactWriteCommand.*INST#/;

let fleet: OneFleet;
let claimed: InstanceItem;
beforeEach(async () => {
  fleet = await OneFleet.open();
  await fleet.handle(launchOf(0), fleet.makeWorker({ at: /^answer to create/, does: 'die' }));
  claimed = await fleet.claimed();
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

const machine = (changes: Partial<CloudInstance> = {}): CloudInstance => ({
  backendId: 'm1',
  instanceId: idOf(0),
  status: 'Running',
  publicIp: '192.0.2.7',
  ...changes,
});
const note = async (shown = machine(), worker: Worker = fleet.worker) =>
  await fleet.run(worker, () => recordRunning(worker.context, [{ record: claimed, machine: shown }]));
/** Returns a worker. Immediately before this worker writes the record, `fields` are written into the record. */
const afterChange = (fields: Parameters<typeof updateInstance>[2]) =>
  fleet.makeWorker({ at: CHANGE, does: () => updateInstance(fleet.store, claimed, fields) });

describe('recordRunning', () => {
  it('recordRunning writes the record, then answers the waiting step, then gives the slot back', async () => {
    expect(await note()).toEqual(new Set([idOf(0)]));
    expect(fleet.history).toEqual(['record 0 Running accepted', 'task await Settled', 'slot 0 returned']);
    expect(await fleet.record()).toMatchObject({ backendId: 'm1', publicIp: '192.0.2.7' });
    expect(await fleet.counts()).toEqual({ Running: 1 });
  });

  it('recordRunning does nothing for a machine that does not run yet', async () => {
    expect(await note(machine({ status: 'Creating' }))).toEqual(new Set());
    expect(fleet.history).toEqual([]);
  });

  it('a running machine is recorded even if a poll bound the machine to the record after the claim', async () => {
    const worker = afterChange({ launchState: 'accepted', backendId: 'm1' });
    expect(await note(machine(), worker)).toEqual(new Set([idOf(0)]));
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
  });

  it('a running machine is recorded even if a launch of a later round took the attempt into that round', async () => {
    expect(await note(machine(), afterChange({ round: 2 }))).toEqual(new Set([idOf(0)]));
    expect(await fleet.record()).toMatchObject({ status: 'Running', round: 2 });
  });

  it.each([
    ['is bound to another machine', { backendId: 'm9' }],
    ['is at a later attempt', { attempt: 2 }],
    ['is in Terminating', { status: 'Terminating' as const }],
    ['is closed', { status: 'Failed' as const }],
  ])('a running machine is not recorded if the record %s', async (_, changes) => {
    const changed = { ...claimed, ...changes, claimUntilMs: claimed.claimUntilMs + 1 };
    fleet.putRecord(changed);
    fleet.history.length = 0;
    expect(await note()).toEqual(new Set());
    expect(fleet.history).toEqual([]);
    expect(await fleet.record()).toEqual(changed);
  });

  it('if the worker dies after it wrote Running, the next poll gives the slot back, and the next check answers the waiting step', async () => {
    await note(machine(), fleet.makeWorker({ at: /^succeed/, does: 'die' }));
    expect(await fleet.holders()).toEqual([0]);
    fleet.nowMs += 20_000;
    await fleet.poll();
    expect(await fleet.holders()).toEqual([]);
    expect(await fleet.handle(awaitOf())).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
  });
});
