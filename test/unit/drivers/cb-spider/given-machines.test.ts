import { describe, expect, it } from 'vitest';
import { findMachineFaults } from '../../../../functions/drivers/cb-spider/given-machines.ts';
import { IMAGE_ID_PATTERNS } from '../../../../functions/drivers/cb-spider/image-ids.ts';
import { cbSpiderMetadata } from '../../../../functions/drivers/cb-spider/metadata.ts';
import { SpiderTransport } from '../../../../functions/drivers/cb-spider/transport.ts';
import { isImageId } from '../../../../functions/drivers/contract/image-id.ts';
import type { Cloud } from '../../../../functions/model/cloud.ts';
import { cloudWordSchema } from '../../../../functions/model/identifiers.ts';
import { openGate } from '../../../calls/gates.ts';
import { localSend } from '../../../samples/drivers.ts';
import { startAnswering } from './answering-server.ts';

const URL_OF_GOOGLE = 'https://www.googleapis.com/compute/v1/projects/own-project/global/images/web-v3';
const UUID = '0c7ea7de-9f3c-4c5e-8d0a-1f8b2a3c4d5e';
const IDS: Readonly<Record<keyof typeof IMAGE_ID_PATTERNS, readonly string[]>> = {
  aws: ['ami-0123456789abcdef0', 'ami-1a2b3c4d'],
  azure: ['Canonical:0001-com-ubuntu-server-jammy:22_04-lts:22.04.202209200'],
  gcp: [URL_OF_GOOGLE, 'projects/ubuntu-os-cloud/global/images/ubuntu-2404-noble-amd64-v20250313'],
  alibaba: ['m-bp1g7004ksh0oeuco0fh', 'ubuntu_22_04_x64_20G_alibase_20230613.vhd'],
  tencent: ['img-487zeit5'],
  ibm: [`r006-${UUID}`],
  oracle: ['ocid1.image.oc1.ap-seoul-1.aaaaaaaa4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  openstack: [UUID],
  nhn: [UUID],
  kt: [UUID],
  ktclassic: [UUID],
  ncp: ['16187005'],
  mock: ['mock-vmimage-01'],
};

describe('ids of images at the clouds behind CB-Spider', () => {
  it.each(cbSpiderMetadata.clouds)(
    'an id of %s has the form of that cloud, and a fleet can name it',
    (cloud) => {
      const ids = IDS[cloud];
      const isId = (id: string, at: Cloud) => isImageId(id, cbSpiderMetadata, at);
      for (const id of ids) {
        expect(isId(id, cloud), id).toBe(true);
        expect(cloudWordSchema.safeParse(id).success, id).toBe(true);
      }
      expect(isId('ubuntu-24.04', cloud)).toBe(false);
      const other = cloud === 'aws' ? 'tencent' : 'aws';
      expect(isId(ids[0] ?? '', other)).toBe(false);
    },
  );

  it('every cloud of the driver has a form of its ids', () => {
    expect(Object.keys(IMAGE_ID_PATTERNS).sort()).toEqual([...cbSpiderMetadata.clouds].sort());
  });
});

const SITE = { location: 'eu', connectionName: 'fw.eu', zones: [], defaultZone: 'eu-1' };

/** Checks a machine at a CB-Spider that answers reads of images and types with these. */
async function faultsOf(
  image: { status?: number; body: unknown },
  type: { status?: number; body: unknown } = { status: 500, body: { message: 't1 VMSpec does not exist!!' } },
) {
  const { url, asked } = await startAnswering(({ call }) => (call.includes('/vmimage/') ? image : type));
  const transport = new SpiderTransport(url, 'spider', 'password', openGate, localSend);
  const machine = { imageId: URL_OF_GOOGLE, instanceTypes: ['t1'] };
  const faults = await findMachineFaults({ transport, site: SITE }, machine);
  return { asked: asked.map(({ call }) => call), codes: faults.map(({ field, code }) => `${field} ${code}`) };
}

const imageWith = (over: object = {}) => ({
  body: {
    IId: { NameId: 'image', SystemId: 'image' },
    OSArchitecture: 'arm64',
    ImageStatus: 'Available',
    ...over,
  },
});
const typeWith = (value: string) => ({
  body: {
    Name: 't1',
    VCpu: { Count: '2' },
    MemSizeMiB: '4096',
    KeyValueList: [{ Key: 'Architecture', Value: value }],
  },
});

describe('a check of an image by its id', () => {
  it('asks CB-Spider for the image and the types, with the id in one part of the path', async () => {
    const { asked, codes } = await faultsOf(imageWith(), typeWith('arm64'));
    expect(codes).toEqual([]);
    expect(asked).toEqual([`GET /vmimage/${encodeURIComponent(URL_OF_GOOGLE)}`, 'GET /vmspec/t1']);
  });

  it.each([
    'web image does not exist!!',
    "I couldn't find the information.",
    "InvalidAMIID.NotFound: The image id '[ami-1]' does not exist",
  ])('an image that the cloud does not have is a fault: %s', async (message) => {
    expect((await faultsOf({ status: 500, body: { message } })).codes).toEqual(['image unknown-image']);
  });

  it('an image that cannot be used, or is for another architecture than the type, is a fault', async () => {
    expect((await faultsOf(imageWith({ ImageStatus: 'Unavailable' }))).codes).toEqual(['image not-usable']);
    expect((await faultsOf(imageWith(), typeWith('x86_64'))).codes).toEqual(['image architecture-mismatch']);
  });

  it('an architecture that CB-Spider does not tell is not compared', async () => {
    expect((await faultsOf(imageWith(), typeWith('?'))).codes).toEqual([]);
    expect((await faultsOf(imageWith())).codes).toEqual([]);
    expect((await faultsOf(imageWith({ OSArchitecture: 'NA' }), typeWith('x86_64'))).codes).toEqual([]);
  });

  it('an error that tells nothing about the image is thrown, so that the caller asks again', async () => {
    await expect(faultsOf({ status: 500, body: { message: 'dial tcp: i/o timeout' } })).rejects.toMatchObject(
      { code: 'Unavailable' },
    );
  });
});
