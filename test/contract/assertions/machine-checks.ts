import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
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
      const { imageIdPattern } = lab.driver;
      assert.ok(imageIdPattern, 'the driver names no form of image ids');
      assert.match(imageBackendId, new RegExp(`^(?:${imageIdPattern})$`));
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
]);
