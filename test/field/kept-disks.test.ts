import { expect, test } from 'vitest';
import type { DataDisk } from '../../functions/model/disk.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { type Field, inField } from './harness/field.ts';
import { SITES } from './harness/sites.ts';

const MINUTE_MS = 60_000;
const SITE = SITES.sim;
const KEPT: DataDisk = { sizeGb: 50, type: 'gp3', deleteOnTermination: false };
const PLAIN: DataDisk = { sizeGb: 70, deleteOnTermination: true };

async function atCloud(play: (field: Field) => Promise<void>): Promise<void> {
  await inField({ worlds: () => ({}) }, async (field) => {
    await field.user.makeNamespace();
    await field.user.connect('cloud', SITE);
    await play(field);
  });
}

function order({ user }: Field, size: number): FleetRequest {
  const request = user.order('web', 'cloud', SITE, size);
  const disks = { rootDisk: { sizeGb: 30 }, dataDisks: [KEPT, PLAIN] };
  return { ...request, nodeGroups: request.nodeGroups.map((group) => ({ ...group, ...disks })) };
}

/** Returns the sizes of the volumes that the clouds have, in order. */
function sizes({ stage }: Field): number[] {
  const books = stage.volumes();
  return books.map(({ sizeGb }) => sizeGb).toSorted((one, other) => one - other);
}

async function removed({ stage }: Field, fleet: Fleet): Promise<void> {
  await stage.remove(fleet.id);
  await stage.until(fleet.id, ({ status }) => status === 'Terminated');
}

const hasEnded = ({ counts }: Fleet) => (counts.Running ?? 0) + (counts.Failed ?? 0) === counts.requested;

test('a kept disk is listed while its machine runs and after that, with its price, until a user removes it', async () => {
  await atCloud(async (field) => {
    const { stage, user, ground } = field;
    const fleet = await stage.create(order(field, 2));
    const running = await stage.until(fleet.id, ({ status }) => status === 'Running');
    expect(sizes(field)).toEqual([30, 30, 50, 50, 70, 70]);
    // Two machines of type small, each with an address and 150 GB at $0.08 a month.
    expect(running.usdPerHour).toBeCloseTo(2 * (0.05 + 0.005 + (150 * 0.08) / 730));
    await ground.sleep(MINUTE_MS);
    const used = await user.volumes();
    expect(used.map(({ state, sizeGb, usdPerMonth }) => [state, sizeGb, usdPerMonth])).toEqual([
      ['Ready', 50, 4],
      ['Ready', 50, 4],
    ]);
    await expect(user.removeVolume(used[0]?.name ?? '')).rejects.toMatchObject({ code: 'in-use' });
    await removed(field, fleet);
    expect(sizes(field)).toEqual([50, 50]);
    for (let hours = 0; hours < 3; hours += 1) {
      await ground.sleep(60 * MINUTE_MS);
      await user.sweep();
    }
    expect(await user.orphans()).toEqual([]);
    const kept = await user.volumes();
    expect(kept.map(({ state, fleet: of }) => [state, of.name])).toEqual([
      ['Kept', 'web'],
      ['Kept', 'web'],
    ]);
    await user.removeVolume(kept[0]?.name ?? '');
    await ground.sleep(3 * MINUTE_MS);
    expect(sizes(field)).toEqual([50]);
    expect((await user.volumes()).map(({ name }) => name)).toEqual([kept[1]?.name]);
  });
}, 60_000);

test('a connection with kept disks is deleted only if the user says that they are forgotten', async () => {
  await atCloud(async (field) => {
    const { stage, user } = field;
    const fleet = await stage.create(order(field, 1));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    await removed(field, fleet);
    const [disk] = await user.volumes();
    await expect(user.removeConnection('cloud')).rejects.toMatchObject({
      code: 'disks-kept',
      message: expect.stringContaining(
        `1 kept disk, $4.00 a month: ${disk?.location} ${disk?.name} (50 GB gp3, $4.00 a month)`,
      ),
      extra: { keptDiskCount: 1, keptDisks: [{ name: disk?.name, sizeGb: 50, usdPerMonth: 4 }] },
    });
    expect((await user.connection('cloud')).status).toBe('Ready');
    expect(await user.volumes()).toEqual([disk]);
    await user.removeConnection('cloud', { forgetDisks: 'true' });
    await user.connect('cloud', SITE);
    expect(await user.volumes()).toEqual([]);
    expect(sizes(field)).toEqual([50]);
  });
}, 60_000);

test('a connection is deleted without a flag when its kept disks are removed', async () => {
  await atCloud(async (field) => {
    const { stage, user, ground } = field;
    const fleet = await stage.create(order(field, 1));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    await removed(field, fleet);
    const [disk] = await user.volumes();
    await user.removeVolume(disk?.name ?? '');
    await ground.sleep(3 * MINUTE_MS);
    await user.removeConnection('cloud');
    expect(sizes(field)).toEqual([]);
  });
}, 60_000);

test('the disks of launches that fail are removed, also those that are to be kept', async () => {
  await atCloud(async (field) => {
    const { stage } = field;
    stage.addFault({ call: 'create', kind: 'bootFailure' });
    const fleet = await stage.create(order(field, 3));
    const { counts } = await stage.until(fleet.id, hasEnded);
    expect(counts.Failed).toBe(3);
    await removed(field, fleet);
    expect(sizes(field)).toEqual([]);
    expect(await field.user.volumes()).toEqual([]);
  });
}, 60_000);

test('volumes that the cloud leaves behind are removed before the record of their machine is closed', async () => {
  await atCloud(async (field) => {
    const { stage } = field;
    stage.addFault({ call: 'create', kind: 'leaveVolumes' });
    const fleet = await stage.create(order(field, 2));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    await removed(field, fleet);
    expect(sizes(field)).toEqual([50, 50]);
  });
}, 60_000);

test('a kept disk of a machine that vanishes is kept', async () => {
  await atCloud(async (field) => {
    const { stage, ground, user } = field;
    const fleet = await stage.create(order(field, 1));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    stage.addFault({ call: 'list', kind: 'vanish', count: 1 });
    await user.sweep();
    await stage.until(fleet.id, ({ counts }) => (counts.Running ?? 0) === 0);
    await removed(field, fleet);
    await ground.sleep(60 * MINUTE_MS);
    await user.sweep();
    expect(sizes(field)).toEqual([50]);
    expect((await user.volumes()).map(({ state }) => state)).toEqual(['Kept']);
  });
}, 60_000);

test('a copy of a kept disk gets no record, and a sweep reports it while the machine runs', async () => {
  await atCloud(async (field) => {
    const { stage, ground, user } = field;
    const fleet = await stage.create(order(field, 1));
    await stage.until(fleet.id, () => stage.volumes().length > 0);
    const { world } = stage.lab.clouds.engine;
    for (const { instanceId: _, ...volume } of stage.volumes())
      world.commit({
        kind: 'volume',
        record: {
          ...volume,
          sequence: volume.sequence + 1_000_000,
          backendId: `${volume.backendId}-copy`,
          createdAtMs: volume.createdAtMs - 60 * MINUTE_MS,
          deleteOnTermination: false,
        },
      });
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    await ground.sleep(MINUTE_MS);
    expect((await user.volumes()).map(({ sizeGb }) => sizeGb)).toEqual([50]);
    await user.sweep();
    // The list of findings is read without strong consistency.
    await ground.sleep(MINUTE_MS);
    const copies = (await user.orphans()).map(({ kind, reason }) => [kind, reason]);
    expect(copies).toEqual(Array(3).fill(['volume', 'copy']));
    await removed(field, fleet);
    await ground.sleep(180 * MINUTE_MS);
    await user.sweep();
    await ground.sleep(MINUTE_MS);
    expect((await user.orphans()).map(({ state }) => state)).toEqual(Array(3).fill('Reported'));
    expect((await user.volumes()).map(({ state }) => state)).toEqual(['Kept']);
    expect(sizes(field)).toEqual([30, 50, 50, 70]);
  });
}, 60_000);
