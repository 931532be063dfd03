import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CloudVolume } from '../../../../functions/drivers/contract/capabilities.ts';
import { followVolumes } from '../../../../functions/features/volumes/follow-volumes.ts';
import { keepVolumes } from '../../../../functions/features/volumes/keep-volumes.ts';
import { askVolumeRemoval, readVolumes } from '../../../../functions/platform/store/volumes.ts';
import { record } from '../../../samples/records.ts';
import { CONNECTION, EAST, FLEET, idOf, OneFleet } from '../one-fleet/one-fleet.ts';

const RUNNING = record({
  fleetId: FLEET,
  instanceId: idOf(0),
  connectionKey: CONNECTION,
  location: 'east',
  launchToken: `${idOf(0)}.1`,
  status: 'Running',
  backendId: 'i-1',
});
const DISK: CloudVolume = {
  backendId: 'vol-1',
  instanceId: RUNNING.instanceId,
  launchToken: RUNNING.launchToken,
  disk: 0,
  sizeGb: 20,
};
const ATTACHED: CloudVolume = { ...DISK, attachedTo: 'i-1' };

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open();
  fleet.putRecord(RUNNING);
  await keepVolumes(
    fleet.worker.context,
    await fleet.opened(),
    [{ volume: ATTACHED, record: RUNNING }],
    'InUse',
  );
});
afterEach(() => fleet.end());

async function follow(volumes: readonly CloudVolume[], worker = fleet.worker): Promise<string[]> {
  const opened = await fleet.opened();
  await fleet.run(worker, () => followVolumes(worker.context, EAST, opened, volumes));
  const left = await readVolumes(fleet.store, CONNECTION);
  return left.map(({ state }) => state);
}

describe('followVolumes', () => {
  it('a disk stays in use while a machine uses it, or while its instance is open', async () => {
    expect(await follow([ATTACHED])).toEqual(['InUse']);
    expect(await follow([DISK])).toEqual(['InUse']);
    fleet.putRecord({ ...RUNNING, status: 'Terminated' });
    expect(await follow([ATTACHED])).toEqual(['InUse']);
  });

  it('a disk that no machine uses is kept as soon as its instance is closed, also if nothing else proves whose it is', async () => {
    fleet.putRecord({ ...RUNNING, status: 'Terminated' });
    expect(await follow([DISK])).toEqual(['Kept']);
  });

  it('a disk of an earlier attempt is kept while the instance has another machine', async () => {
    fleet.putRecord({ ...RUNNING, launchToken: `${idOf(0)}.2`, backendId: 'i-2' });
    expect(await follow([DISK])).toEqual(['Kept']);
  });

  it('a removal that a user requests while a sweep writes that the disk is kept goes on', async () => {
    fleet.putRecord({ ...RUNNING, status: 'Terminated' });
    const ref = { ...EAST, backendId: DISK.backendId };
    const both = fleet.makeWorker({
      at: /^table \["UpdateCommand"/,
      does: async () => {
        await follow([DISK]);
        expect(await askVolumeRemoval(fleet.store, ref, fleet.nowMs)).toBe(true);
      },
    });
    expect(await follow([DISK], both)).toEqual(['Deleting']);
  });
});
