import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import { isImageId } from '../../../functions/drivers/contract/image-id.ts';
import { assertions } from '../suite/assertion.ts';
import type { Lab } from '../suite/lab.ts';

const needs = 'machine-checks';

/** Returns the fields and codes of what is wrong with an image. */
async function faultsOf({ client, cloud }: Lab, imageId: string): Promise<string[]> {
  assert.ok(has(client, needs));
  const faults = await client.verifyMachine(cloud.location, { imageId, instanceTypes: [cloud.instanceType] });
  return faults.map(({ field, code }) => `${field} ${code}`);
}

export const MACHINE_CHECKS = assertions([
  {
    id: 'machine-checks.image',
    title: 'an image of the cloud passes its check, and its id has the form that the driver names',
    needs,
    async run(lab) {
      const { imageBackendId } = await lab.spec();
      assert.ok(
        isImageId(imageBackendId, lab.driver, lab.cloud.cloud),
        `the driver's form of image ids does not fit ${imageBackendId}`,
      );
      assert.deepEqual(await faultsOf(lab, imageBackendId), []);
    },
  },
  {
    id: 'machine-checks.unknown-image',
    title: 'an image that the cloud does not have fails its check',
    needs,
    async run(lab) {
      assert.deepEqual(await faultsOf(lab, lab.cloud.unknownImageBackendId), ['image unknown-image']);
    },
  },
  {
    id: 'machine-checks.other-architecture',
    title: 'an image of another architecture fails its check',
    needs,
    async run(lab) {
      const imageId = await lab.cloud.imageOfOtherArchitecture(lab.client);
      assert.deepEqual(await faultsOf(lab, imageId), ['image architecture-mismatch']);
    },
  },
  {
    id: 'machine-checks.encryption-key',
    title:
      'a key with which the account may encrypt disks passes its check, and any other is a fault of each disk',
    needs: 'disk-keys',
    async run({ client, cloud }: Lab) {
      assert.ok(has(client, needs), 'a driver with disk-keys checks machines');
      const { encryptionKeyId, refusedKeys = [] } = cloud;
      assert.ok(encryptionKeyId && refusedKeys.length > 0, 'the harness names no keys');
      const instanceTypes = [cloud.instanceType];
      const check = async (...ids: readonly [string, string]) => {
        const [rootKey, dataKey] = ids;
        const faults = await client.verifyMachine(cloud.location, {
          instanceTypes,
          encryptionKeys: [
            { field: 'rootDisk/encryptionKeyId', id: rootKey },
            { field: 'dataDisks/0/encryptionKeyId', id: dataKey },
          ],
        });
        return faults.map(({ field, code, message }) => {
          assert.ok(
            ids.some((id) => message.includes(id)),
            `the message names no key: ${message}`,
          );
          return `${field} ${code}`;
        });
      };
      assert.deepEqual(await check(encryptionKeyId, encryptionKeyId), []);
      for (const { id, code } of refusedKeys) {
        assert.deepEqual(await check(encryptionKeyId, id), [`dataDisks/0/encryptionKeyId ${code}`]);
        assert.deepEqual(await check(id, id), [
          `rootDisk/encryptionKeyId ${code}`,
          `dataDisks/0/encryptionKeyId ${code}`,
        ]);
      }
    },
  },
  {
    id: 'machine-checks.identity',
    title: 'an identity that the cloud does not have fails its check',
    needs: 'identity',
    async run({ client, cloud }: Lab) {
      const { identity, unknownIdentity } = cloud;
      assert.ok(identity && unknownIdentity, 'the harness names no identities');
      assert.ok(has(client, needs), 'a driver with identities checks machines');
      const instanceTypes = [cloud.instanceType];
      const faults = await client.verifyMachine(cloud.location, {
        instanceTypes,
        identity: unknownIdentity,
      });
      assert.deepEqual(
        faults.map(({ field, code }) => `${field} ${code}`),
        ['identity unknown-identity'],
      );
    },
  },
  {
    id: 'machine-checks.placement-group',
    title: 'a placement group that the cloud does not have fails its check',
    needs: 'placement-groups',
    async run({ client, cloud }: Lab) {
      assert.ok(has(client, needs), 'a driver with placement groups checks machines');
      const instanceTypes = [cloud.instanceType];
      const faults = await client.verifyMachine(cloud.location, {
        instanceTypes,
        placementGroup: 'no-such-group',
      });
      assert.deepEqual(
        faults.map(({ field, code }) => `${field} ${code}`),
        ['placementGroup unknown-placement-group'],
      );
    },
  },
]);
