import { afterEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { observe } from '../../../../functions/features/poller/observe.ts';
import type { Found, Observed } from '../../../../functions/features/poller/poll.ts';
import { type Snapshot, takeSnapshot } from '../../../../functions/features/poller/snapshot.ts';
import { releaseSlots } from '../../../../functions/platform/governor/release-slots.ts';
import { moveInstance } from '../../../../functions/platform/store/move.ts';
import { EAST, idOf, launchOf, OneFleet, type OneFleetOptions, type Worker } from '../one-fleet/one-fleet.ts';

const HOUR_MS = 3_600_000;

let fleet: OneFleet;
afterEach(() => fleet.end());

/** Opens a fleet and launches each of its instances. */
async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet = await OneFleet.open(options);
  for (let index = 0; index < (options.size ?? 1); index += 1) await fleet.handle(launchOf(index));
}

/** Opens a fleet whose instances were seen running an hour ago. */
async function openRunning(size = 1): Promise<void> {
  await open({ size });
  await fleet.until(() => fleet.outcomes.size > 0);
  fleet.nowMs += HOUR_MS;
}

async function look(
  changes: Partial<Snapshot> = {},
  worker: Worker = fleet.worker,
  { isFirstOfMinute = false } = {},
): Promise<Observed> {
  const poll = await fleet.takePoll(worker);
  // The first full poll of each minute checks deadlines, addresses and types.
  poll.loop.fullAtMs = isFirstOfMinute ? 0 : fleet.nowMs;
  const snapshot = await fleet.run(worker, () =>
    takeSnapshot(poll.context, poll.site, poll.opened, poll.loop),
  );
  if (snapshot === 'died') throw new Error('the worker died while it took the snapshot');
  const observed = await fleet.run(worker, () => observe(poll, { ...snapshot, ...changes }));
  if (observed === 'died') throw new Error('the worker died while it observed the site');
  return observed;
}
const actionsOf = (found: readonly Found[]) => found.map(({ finding }) => finding.action);

describe('observe', () => {
  it('a poll finds that a machine runs, and reads no record that agrees with the list', async () => {
    await open({ size: 2 });
    fleet.nowMs += 20_000;
    Object.assign(fleet.cloud.made[1] ?? {}, { stuckAt: 'Creating' });
    const { found, records } = await look();
    expect([...records.keys()]).toEqual([idOf(0)]);
    expect(found).toMatchObject([{ finding: { action: 'change', to: 'Running' } }]);
  });

  it('a slot that is given back after a poll read the slots and before the poll reads the records counts as held', async () => {
    await open();
    fleet.nowMs += 20_000;
    const worker = fleet.makeWorker({
      at: /BatchGetCommand.*INST#/,
      does: () => releaseSlots(fleet.store, EAST, [{ instanceId: idOf(0) }]),
    });
    expect(Object.keys((await look({}, worker)).holders)).toEqual([idOf(0)]);
    expect(await fleet.holders()).toEqual([]);
  });

  it('a poll reads a machine that the list leaves out, and does not change the record if the machine exists', async () => {
    await openRunning();
    fleet.cloud.hidden.add('m1');
    expect(actionsOf((await look()).found)).toEqual(['confirm', 'none']);
    expect(fleet.history.at(-1)).toBe('get m1');
  });

  it('a poll finds that a machine vanished if the cloud answers that the machine does not exist', async () => {
    await openRunning();
    fleet.cloud.vanish(fleet.cloud.made[0]);
    const { found } = await look();
    expect(found.at(-1)?.finding).toMatchObject({
      to: 'Terminated',
      fields: { failure: { code: 'Vanished' } },
    });
  });

  it('only the first poll of a minute finds another address of a running machine', async () => {
    await openRunning();
    Object.assign(fleet.cloud.made[0] ?? {}, { publicIp: '192.0.2.7' });
    expect(actionsOf((await look()).found)).toEqual([]);
    const { found } = await look({}, fleet.worker, { isFirstOfMinute: true });
    expect(found).toMatchObject([{ finding: { to: 'Running', fields: { publicIp: '192.0.2.7' } } }]);
    expect(fleet.history.filter((call) => call.startsWith('get'))).toEqual([]);
  });

  it('a poll asks by id why a machine failed if the list gives no reason, and asks once', async () => {
    await open();
    const [machine] = fleet.cloud.made;
    Object.assign(machine ?? {}, { stuckAt: 'Failed' });
    fleet.cloud.meet = (call) => {
      if (call.startsWith('get')) Object.assign(machine ?? {}, { failureMessage: 'no valid host' });
    };
    const { found } = await look();
    expect(found).toMatchObject([
      {
        finding: {
          to: 'Terminating',
          fields: { failure: { code: 'CloudFailed', message: 'no valid host' } },
        },
      },
    ]);
    expect(fleet.history.filter((call) => call.startsWith('get'))).toEqual(['get m1']);
  });

  it('the failure of a machine that never ran names the keys of its disks, unless the cloud gives no reason', async () => {
    const disk = { sizeGb: 1, deleteOnTermination: true, encryptionKeyId: 'alias/data' };
    await open({ group: { rootDisk: { encryptionKeyId: 'alias/root' }, dataDisks: [disk, disk] } });
    const machine = fleet.cloud.made[0] ?? {};
    Object.assign(machine, { stuckAt: 'Failed' });
    const failureSeen = async () => {
      const { finding } = (await look()).found.at(-1) ?? {};
      return finding?.action === 'change' ? finding.fields.failure?.message : finding?.action;
    };
    expect(await failureSeen()).toBe('the cloud reports that the machine failed');
    Object.assign(machine, { failureMessage: 'Client.InternalError: no key alias/data' });
    expect(await failureSeen()).toBe(
      'Client.InternalError: no key alias/data (its disks are encrypted with alias/root)',
    );
  });

  it('an instance fails without a reason if the cloud does not answer why its machine failed', async () => {
    await open();
    Object.assign(fleet.cloud.made[0] ?? {}, { stuckAt: 'Failed' });
    fleet.cloud.meet = (call) => {
      if (call.startsWith('get')) throw new DriverError('Unavailable', 'not now');
    };
    expect((await look()).found).toMatchObject([
      { finding: { fields: { failure: { message: 'the cloud reports that the machine failed' } } } },
    ]);
  });

  it('within the consistency window, a machine that was asked to end is gone if two answers say so', async () => {
    await openRunning();
    const record = await fleet.claimed();
    fleet.putRecord({ ...record, status: 'Terminating', acceptedAtMs: fleet.nowMs });
    fleet.cloud.vanish(fleet.cloud.made[0]);
    expect((await look()).found.at(-1)?.finding).toMatchObject({ to: 'Terminated' });
    expect(fleet.history.filter((call) => call === 'get m1')).toHaveLength(2);
  });

  it('a poll finds that an instance failed if its machine vanished before the machine ran', async () => {
    await open();
    fleet.nowMs += 60_000;
    fleet.cloud.vanish(fleet.cloud.made[0]);
    expect((await look()).found.at(-1)?.finding).toMatchObject({
      to: 'Failed',
      fields: { failure: { code: 'Vanished' } },
    });
  });

  it.each(['Unavailable', 'Throttled', 'Unauthorized'] as const)(
    'a poll does not decide that a missing machine vanished if the cloud answers %s',
    async (code) => {
      await openRunning();
      fleet.cloud.vanish(fleet.cloud.made[0]);
      fleet.cloud.meet = (call) => {
        if (call.startsWith('get')) throw new DriverError(code, 'not now');
      };
      expect(actionsOf((await look()).found)).toEqual(['confirm']);
    },
  );

  it('a poll with a partial snapshot compares only the records of the instances that the poll asked the cloud about', async () => {
    await openRunning(2);
    const observed = await look({ seen: [], isFull: false, asked: new Set([idOf(1)]) });
    expect(observed.found.map(({ record }) => record.index)).toEqual([1, 1]);
    expect([...observed.records.keys()]).toEqual([idOf(1)]);
  });

  it('a poll skips the record of an instance that moved to another site, even if the index still lists it', async () => {
    await open({ locations: ['east', 'west'] });
    fleet.nowMs += 20_000;
    const record = await fleet.claimed();
    const entry = { siteSk: idOf(0), status: record.status, launchToken: record.launchToken };
    await moveInstance(fleet.store, record, 'west', []);
    const { found, records } = await look({ entries: [entry] });
    expect(records.get(idOf(0))).toMatchObject({ location: 'west' });
    expect(found).toEqual([]);
  });

  it('a poll does not adopt a copy (a machine with an attempt’s tags that was made at another time)', async () => {
    await open();
    const record = await fleet.claimed();
    const { backendId: _unknown, acceptedAtMs: _when, ...unbound } = record;
    fleet.putRecord({ ...unbound, launchState: 'unknown', unknownSinceMs: fleet.nowMs });
    fleet.nowMs += 10_000;
    expect(actionsOf((await look()).found)).toEqual(['adopt']);
    Object.assign(fleet.cloud.made[0] ?? {}, { createdAtMs: fleet.nowMs - 24 * HOUR_MS });
    expect(actionsOf((await look()).found)).toEqual(['none']);
  });

  it.each([
    [['east', 'west'], [idOf(0)]],
    [['east'], []],
  ])('with the locations %j, the failing instances that may move are %j', async (locations, movable) => {
    await open({ locations });
    fleet.cloud.break(fleet.cloud.made[0], 'no host');
    expect([...(await look()).movable]).toEqual(movable);
  });

  it('the observe phase of a poll writes nothing', async () => {
    await open();
    fleet.nowMs += 20_000;
    const history = [...fleet.history];
    await look();
    expect(fleet.history.filter((one) => !one.startsWith('list'))).toEqual(history);
  });
});
