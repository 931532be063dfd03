import { expect, test } from 'vitest';
import { gpuOf } from '../../../../functions/drivers/openstack/gpus.ts';
import { clientOf, json, REGION } from './cloud-double.ts';

const image = (id: string, name: string, over: object = {}) => ({
  id,
  name,
  status: 'active',
  created_at: `2026-01-0${id}T00:00:00Z`,
  visibility: 'public',
  ...over,
});

test('the newest public image that fits a well-known name is listed under that name, and other images under their own names', async () => {
  const images = [
    image('1', 'Ubuntu 24.04 LTS (Noble)'),
    image('2', 'ubuntu-24.04-server-cloudimg-arm64'),
    image('3', 'Noble', { os_distro: 'ubuntu', os_version: '24.04' }),
    image('4', 'ubuntu 24.04', { visibility: 'private' }),
    image('5', 'snap', {
      os_distro: 'ubuntu',
      os_version: '24.04',
      image_type: 'snapshot',
      visibility: 'private',
    }),
    image('6', 'Debian 12.5', { architecture: 'x86_64' }),
    image('7', 'ppc', { architecture: 'ppc64le' }),
  ];
  const { client } = clientOf({ 'GET glance /v2/images': () => json({ images }) });
  const listed = await client.listImages(REGION);
  const idOf = (name: string) => listed.find((one) => one.name === name)?.backendId;
  expect(idOf('ubuntu-24.04')).toBe('3');
  expect(idOf('ubuntu-24.04-arm64')).toBe('2');
  expect(idOf('debian-12')).toBe('6');
  expect(idOf('Ubuntu-24.04-LTS-Noble')).toBe('1');
  expect(idOf('snap')).toBe('5');
  expect(idOf('ppc')).toBeUndefined();
  expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length);
});

test('a flavor becomes an instance type with its GPU and architecture, and the offer of a disabled flavor is unavailable', async () => {
  const flavor = (name: string, over: object = {}) => ({
    id: `id-${name.replaceAll(' ', '-')}`,
    name,
    vcpus: 8,
    ram: 2_048,
    disk: 0,
    ...over,
  });
  const flavors = [
    flavor('g.large', { extra_specs: { 'pci_passthrough:alias': 'nvidia_a100_80gb:2' } }),
    flavor('a.large', {
      extra_specs: { 'trait:HW_ARCH_AARCH64': 'required' },
      'OS-FLV-DISABLED:disabled': true,
    }),
    flavor('with a space'),
  ];
  const { client } = clientOf({ 'GET nova /v2.1/flavors/detail': () => json({ flavors }) });
  const { instanceTypes, offers } = await client.listOffers(REGION);
  expect(instanceTypes).toEqual([
    {
      name: 'g.large',
      vcpus: 8,
      memoryGb: 2,
      architecture: 'x86_64',
      gpu: { model: 'A100', manufacturer: 'NVIDIA', memoryGb: 80, count: 2 },
    },
    { name: 'a.large', vcpus: 8, memoryGb: 2, architecture: 'arm64' },
    { name: 'id-with-a-space', vcpus: 8, memoryGb: 2, architecture: 'x86_64' },
  ]);
  expect(offers.map(({ id, available }) => [id, available])).toContainEqual([
    `${REGION}-noZone-a.large`,
    false,
  ]);
});

test.each([['a100:1'], ['gpu:1'], ['h100'], ['h100:1,nic:1']])(
  'gpuOf returns no GPU for the PCI alias %s, which does not determine exactly one GPU model and its count',
  (alias) => {
    expect(gpuOf({ 'pci_passthrough:alias': alias })).toBeUndefined();
  },
);
