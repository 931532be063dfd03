import assert from 'node:assert/strict';
import { type CloudVolume, has } from '../../../functions/drivers/contract/capabilities.ts';
import type { InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import type { DataDisk, RootDisk } from '../../../functions/model/disk.ts';
import { assertions } from '../suite/assertion.ts';
import type { Lab } from '../suite/lab.ts';

const CLOCKS_APART_MS = 120_000;
/** Larger than the own disks of the types in use, so that the root disk is a volume at every cloud. */
const ROOT_GB = 200;

const disk = (sizeGb: number, over: Partial<DataDisk> = {}): DataDisk => ({
  sizeGb,
  deleteOnTermination: true,
  ...over,
});

function volumesClient({ client }: Lab) {
  assert.ok(has(client, 'volumes'));
  return client;
}

async function volumesOf(lab: Lab, { location, launchToken }: InstanceSpec): Promise<CloudVolume[]> {
  const volumes = await volumesClient(lab).listVolumes(location);
  return volumes.filter((one) => one.launchToken === launchToken);
}

/** Creates a machine, and waits until it runs and uses `count` volumes. Repeats a create whose volumes are not ready. */
async function running(lab: Lab, over: Partial<InstanceSpec>, count: number) {
  const spec = await lab.spec(over);
  const { backendId } = await lab.until('the machine is created', async () => {
    try {
      return await lab.client.createInstance(spec);
    } catch (error) {
      if (error instanceof DriverError && error.code === 'NoPermit') return undefined;
      throw error;
    }
  });
  await lab.untilStatus({ backendId }, 'Running');
  const volumes = await lab.until(`${backendId} uses ${count} volumes`, async () => {
    const all = await volumesOf(lab, spec);
    return all.length === count && all.every(({ attachedTo }) => attachedTo === backendId) ? all : undefined;
  });
  return { spec, backendId, volumes };
}

/** Removes a machine, and returns the volumes of its launch token that are left when it is gone and they have settled. */
async function leftAfter(lab: Lab, spec: InstanceSpec, backendId: string, count: number) {
  await lab.client.terminateInstance(spec.location, backendId);
  await lab.until(`${backendId} is gone`, async () => {
    const left = await lab.listed([spec]);
    return left.length === 0 ? true : undefined;
  });
  return await lab.until(`${count} volumes are left`, async () => {
    const left = (await volumesOf(lab, spec)).filter(({ isLeaving }) => !isLeaving);
    return left.length === count && left.every(({ attachedTo }) => attachedTo === undefined)
      ? left
      : undefined;
  });
}

const sizesOf = (volumes: readonly CloudVolume[]): number[] =>
  volumes.map(({ sizeGb }) => sizeGb).toSorted((one, other) => one - other);

/** Creates a machine with these disks, and returns the disks as its create request described them to the cloud. */
async function askedFor(lab: Lab, over: Partial<InstanceSpec>): Promise<readonly Partial<RootDisk>[]> {
  const { disksOf } = lab.cloud;
  assert.ok(disksOf, 'the harness does not read the disks of a request');
  const spec = await lab.spec(over);
  lab.proxy.seen.length = 0;
  await lab.client.createInstance(spec);
  return lab.proxy.seen.flatMap(({ request }) => disksOf(request) ?? []);
}

export const VOLUMES = assertions([
  {
    id: 'volumes.listed',
    title: 'the volume of a root disk is listed with its machine, launch token, size and creation time',
    needs: 'volumes',
    async run(lab) {
      const { spec, volumes } = await running(lab, { rootDisk: { sizeGb: ROOT_GB } }, 1);
      const [volume] = volumes;
      assert.equal(volume?.instanceId, spec.instanceId);
      assert.equal(volume?.sizeGb, ROOT_GB);
      assert.ok(volume.disk === undefined || volume.disk === 'root', `disk ${volume.disk}`);
      const apartMs = Math.abs((volume.createdAtMs ?? 0) - Date.now());
      assert.ok(apartMs < CLOCKS_APART_MS, `createdAtMs is ${volume.createdAtMs}`);
    },
  },
  {
    id: 'volumes.own',
    title: 'another deployment does not list the volume',
    needs: 'volumes',
    async run(lab) {
      const { spec } = await running(lab, { rootDisk: { sizeGb: ROOT_GB } }, 1);
      const other = lab.connect({ deploymentId: 'contract-other' });
      assert.ok(has(other, 'volumes'));
      assert.deepEqual(await other.listVolumes(spec.location), []);
    },
  },
  {
    id: 'volumes.removed',
    title: 'the volume of a root disk is removed with its machine',
    needs: 'volumes',
    async run(lab) {
      const { spec, backendId } = await running(lab, { rootDisk: { sizeGb: ROOT_GB } }, 1);
      await leftAfter(lab, spec, backendId, 0);
    },
  },
  {
    id: 'volumes.in-use',
    title: 'the removal of a volume that a machine uses fails with Conflict, and the volume stays',
    needs: 'volumes',
    async run(lab) {
      const { spec, volumes } = await running(lab, { rootDisk: { sizeGb: ROOT_GB } }, 1);
      const [volume] = volumes;
      const client = volumesClient(lab);
      await lab.fails(client.deleteVolume(spec.location, volume?.backendId ?? ''), 'Conflict');
      assert.equal((await volumesOf(lab, spec)).length, 1);
    },
  },
  {
    id: 'volumes.gone',
    title: 'the removal of a volume that does not exist succeeds',
    needs: 'volumes',
    async run(lab) {
      await volumesClient(lab).deleteVolume(lab.cloud.location, lab.cloud.unknownVolumeBackendId ?? '');
    },
  },
  {
    id: 'disks.data',
    title: 'a machine gets the data disks of its spec, and they are removed with it',
    needs: 'data-disks',
    async run(lab) {
      const dataDisks = [disk(5), disk(7)];
      const { spec, backendId, volumes } = await running(
        lab,
        { rootDisk: { sizeGb: ROOT_GB }, dataDisks },
        3,
      );
      assert.deepEqual(sizesOf(volumes), [5, 7, ROOT_GB]);
      for (const { disk: at, sizeGb } of volumes) {
        if (at !== undefined) assert.equal(sizeGb, at === 'root' ? ROOT_GB : dataDisks[at]?.sizeGb);
      }
      await leftAfter(lab, spec, backendId, 0);
    },
  },
  {
    id: 'disks.kept',
    title:
      'a data disk that is to be kept is left without a machine, keeps its token, and can be removed later',
    needs: 'kept-disks',
    async run(lab) {
      const dataDisks = [disk(5, { deleteOnTermination: false }), disk(7)];
      const { spec, backendId } = await running(lab, { rootDisk: { sizeGb: ROOT_GB }, dataDisks }, 3);
      const [kept] = await leftAfter(lab, spec, backendId, 1);
      assert.equal(kept?.sizeGb, 5);
      assert.equal(kept.instanceId, spec.instanceId);
      await volumesClient(lab).deleteVolume(spec.location, kept.backendId);
      await lab.until('the disk is gone', async () =>
        (await volumesOf(lab, spec)).length === 0 ? true : undefined,
      );
    },
  },
  {
    id: 'disks.types',
    title: 'a disk has the type that the spec names, and an unknown type is refused before anything is left',
    needs: 'disk-types',
    async run(lab) {
      const { diskType: type } = lab.cloud;
      assert.ok(type, 'the harness names no disk type');
      const { volumes } = await running(lab, { rootDisk: { sizeGb: ROOT_GB, type } }, 1);
      assert.deepEqual(
        volumes.map((one) => one.type),
        [type],
      );
      const spec = await lab.spec({ rootDisk: { sizeGb: ROOT_GB, type: 'no-such-type' } });
      const { message } = await lab.fails(lab.client.createInstance(spec), 'InvalidRequest');
      assert.match(message, /rootDisk/);
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
      assert.deepEqual(await volumesOf(lab, spec), []);
    },
  },
  {
    id: 'disks.performance',
    title: 'a create asks the cloud for the IOPS and the throughput of its disks',
    needs: 'disk-performance',
    async run(lab) {
      const rootDisk = { sizeGb: ROOT_GB, iops: 4_000, throughputMbps: 250 };
      const dataDisks = [disk(20, { iops: 5_000, throughputMbps: 300 })];
      const asked = await askedFor(lab, { rootDisk, dataDisks });
      assert.deepEqual(
        asked.map(({ iops, throughputMbps }) => [iops, throughputMbps]),
        [
          [4_000, 250],
          [5_000, 300],
        ],
      );
    },
  },
  {
    id: 'disks.encryption',
    title: 'a create asks the cloud for the encryption of its disks',
    needs: 'disk-encryption',
    async run(lab) {
      const asked = await askedFor(lab, {
        rootDisk: { sizeGb: ROOT_GB, encrypted: true },
        dataDisks: [disk(5, { encrypted: true }), disk(7)],
      });
      assert.deepEqual(
        asked.map(({ encrypted = false }) => encrypted),
        [true, true, false],
      );
    },
  },
  {
    id: 'disks.keys',
    title: 'a create names the key for its disks, and such a disk is encrypted',
    needs: 'disk-keys',
    async run(lab) {
      const { encryptionKeyId } = lab.cloud;
      assert.ok(encryptionKeyId, 'the harness names no key');
      const asked = await askedFor(lab, { rootDisk: { sizeGb: ROOT_GB, encryptionKeyId } });
      assert.deepEqual(
        asked.map((one) => [one.encrypted ?? true, one.encryptionKeyId]),
        [[true, encryptionKeyId]],
      );
    },
  },
]);
