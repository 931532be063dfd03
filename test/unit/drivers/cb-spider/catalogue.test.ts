import { expect, test } from 'vitest';
import {
  imagesSchema,
  pricesSchema,
  regionZoneSchema,
  specsSchema,
} from '../../../../functions/drivers/cb-spider/answers.ts';
import {
  imagesOf,
  locationOf,
  offersOf,
  pricesByType,
} from '../../../../functions/drivers/cb-spider/catalogue.ts';

const spec = (Name: string, over: object = {}) => ({
  Region: 'KR',
  Name,
  VCpu: { Count: '8', ClockGHz: '2.7' },
  MemSizeMiB: '32768',
  DiskSizeGB: '-1',
  ...over,
});
const offersFrom = (vmspec: unknown, prices = new Map<string, number>()) =>
  offersOf('KR', specsSchema.parse({ vmspec }).vmspec, prices);

test('the driver parses sizes that are strings, and leaves out an instance type with an unknown size or an unusable name', () => {
  const { instanceTypes, offers } = offersFrom([
    spec('s1'),
    spec('s1', { MemSizeMiB: '1024' }),
    spec('s2', { MemSizeMiB: '-1' }),
    spec('s3', { VCpu: { Count: 'NA' } }),
    spec('not a word'),
  ]);
  expect(instanceTypes).toEqual([{ name: 's1', vcpus: 8, memoryGb: 32, architecture: 'x86_64' }]);
  expect(offers).toEqual([{ id: 'KR-noZone-s1', location: 'KR', instanceType: 's1', available: true }]);
  expect(offersFrom(null).instanceTypes).toEqual([]);
});

test('the memory of a GPU is the memory of one device, and a GPU with an unknown amount of memory is left out', () => {
  const gpu = { Count: '2', Mfr: 'NVIDIA', Model: 'V100', MemSizeGB: '-1', TotalMemSizeGB: '64' };
  const gpusOf = (Gpu: object) =>
    offersFrom([spec('g', { Gpu: [Gpu] })]).instanceTypes.map((type) => type.gpu);
  expect(gpusOf(gpu)).toEqual([{ count: 2, manufacturer: 'NVIDIA', model: 'V100', memoryGb: 32 }]);
  expect(gpusOf({ ...gpu, MemSizeGB: '16' })).toEqual([expect.objectContaining({ memoryGb: 16 })]);
  expect(gpusOf({ ...gpu, TotalMemSizeGB: '-1' })).toEqual([undefined]);
});

test('an instance type has the architecture arm64 if it is a Graviton type or if CB-Spider lists arm64 for it', () => {
  const architecture = { KeyValueList: [{ Key: 'SupportedArchitectures', Value: '[arm64]' }] };
  const { instanceTypes } = offersFrom([spec('m7g.large'), spec('g4dn.xlarge'), spec('own', architecture)]);
  expect(instanceTypes.map(({ architecture }) => architecture)).toEqual(['arm64', 'x86_64', 'arm64']);
});

test('the price of an instance type is its lowest price per hour in dollars; prices in other units or currencies are ignored', () => {
  const price = (ProductInfo: object, Price: string, Currency = 'USD', Unit = 'Hrs') => ({
    ProductInfo: { ProductId: '1', ...ProductInfo },
    PriceInfo: { OnDemand: { PricingId: '1', Unit, Currency, Price } },
  });
  const prices = pricesByType(
    pricesSchema.parse({
      PriceList: [
        price({ VMSpecName: 'a' }, '0.2'),
        price({ VMSpecInfo: { Name: 'a' } }, '0.1'),
        price({ VMSpecName: 'b' }, '120', 'KRW'),
        price({ VMSpecName: 'c' }, '70', 'USD', 'Month'),
        price({ VMSpecName: 'd' }, '-1'),
        { ProductInfo: { VMSpecName: 'e' }, PriceInfo: {} },
      ],
    }),
  );
  expect([...prices]).toEqual([['a', 0.1]]);
  expect(offersFrom([spec('a')], prices).offers).toEqual([expect.objectContaining({ priceUsdPerHour: 0.1 })]);
});

test('the id of an image is the name that a create call needs; the name may be a URL', () => {
  const url = 'https://www.googleapis.com/compute/v1/projects/ubuntu-os-cloud/global/images/ubuntu-2404-v1';
  const image = (NameId: string, over: object = {}) => ({ IId: { NameId, SystemId: NameId }, ...over });
  const images = imagesOf(
    'KR',
    imagesSchema.parse({
      image: [
        image(url, { Name: 'ubuntu-2404-v1', OSArchitecture: 'arm64', OSDistribution: 'NA' }),
        image(url),
        image('Canonical:ubuntu-24_04-lts:server:24.04', { ImageStatus: 'Unavailable' }),
        image('not a word'),
      ],
    }).image,
  );
  expect(
    images.map(({ backendId, architectures, available }) => [backendId, architectures, available]),
  ).toEqual([
    [url, ['arm64'], true],
    ['Canonical:ubuntu-24_04-lts:server:24.04', ['x86_64'], false],
  ]);
  expect(images[0]?.description).toBe('ubuntu-2404-v1');
});

test('a location is unavailable if all of its zones are unavailable, and available if it has no zones', () => {
  const zoneOf = (Name: string, Status: string) => ({ Name, Status });
  const region = (ZoneList: unknown) => locationOf(regionZoneSchema.parse({ Name: 'KR', ZoneList }));
  expect(region([zoneOf('KR-1', 'Unavailable'), zoneOf('KR-2', 'StatusNotSupported')])).toEqual({
    name: 'KR',
    displayName: 'KR',
    zones: ['KR-1', 'KR-2'],
    available: true,
  });
  expect(region([zoneOf('KR-1', 'Unavailable')]).available).toBe(false);
  expect(region(null).available).toBe(true);
});
