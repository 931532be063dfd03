import { describe, expect, it } from 'vitest';
import { TypeCheck } from '../../../../functions/features/fleets/check-types.ts';
import type { InstanceType, Offer } from '../../../../functions/model/cloud.ts';

const GROUP = '/nodeGroups/0';
const type = (name: string, architecture: InstanceType['architecture'] = 'x86_64'): InstanceType => ({
  name,
  vcpus: 2,
  memoryGb: 8,
  architecture,
});
const offer = (location: string, instanceType: string, priceUsdPerHour: number, zone?: string): Offer => ({
  id: `${location}-${zone ?? 'noZone'}-${instanceType}`,
  location,
  instanceType,
  priceUsdPerHour,
  available: true,
  ...(zone === undefined ? {} : { zone }),
});
const FOUND = {
  instanceTypes: new Map([type('m7i'), type('m6i'), type('m7g', 'arm64')].map((one) => [one.name, one])),
  offers: [
    offer('east', 'm7i', 0.2),
    offer('east', 'm6i', 0.1),
    offer('east', 'm6i', 0.3, 'east-b'),
    { ...offer('east', 'm7i', 0.2, 'east-b'), available: false },
    offer('west', 'm6i', 0.4),
  ],
};
const listOf = (...names: string[]) =>
  names.map((name, at) => ({ pointer: `${GROUP}/instanceTypes/${at}`, name }));
const check = (...names: string[]) => new TypeCheck(GROUP, 'main', listOf(...names), true, FOUND);
const told = ({ errors }: TypeCheck) => errors.map(({ pointer, code }) => `${pointer} ${code}`);

describe('TypeCheck', () => {
  it('each type keeps its size, its prices, and the locations that do not offer it', () => {
    const types = check('m7i', 'm6i');
    for (const name of ['east', 'west']) types.checkOffers({ name }, undefined);
    const size = { vcpus: 2, gpus: 0, memoryGb: 8 };
    expect(types.finish()).toEqual([
      { name: 'm7i', ...size, pricesUsdPerHour: { east: 0.2 }, notOfferedIn: ['west'] },
      { name: 'm6i', ...size, pricesUsdPerHour: { east: 0.1, west: 0.4 } },
    ]);
    expect(types.errors).toEqual([]);
  });

  it('an unknown type is an error at its place in the list', () => {
    expect(told(check('m7i', 'm99'))).toEqual([`${GROUP}/instanceTypes/1 unknown-instance-type`]);
  });

  it('a location that offers none of the types is an error of the list', () => {
    const types = check('m7i');
    types.checkOffers({ name: 'west' }, undefined);
    expect(told(types)).toEqual([`${GROUP}/instanceTypes not-offered`]);
  });

  it('a type that no location offers is an error at its place in the list', () => {
    const types = check('m6i', 'm7i');
    types.checkOffers({ name: 'west' }, undefined);
    types.finish();
    expect(told(types)).toEqual([`${GROUP}/instanceTypes/1 not-offered`]);
  });

  it('a type is offered if one of the named zones offers it, and has that zone’s price', () => {
    const types = check('m6i');
    types.checkOffers({ name: 'east' }, ['east-b', 'east-a']);
    expect(types.finish()).toMatchObject([{ pricesUsdPerHour: { east: 0.3 } }]);
    const inOneZone = check('m7i');
    inOneZone.checkOffers({ name: 'east' }, ['east-b']);
    expect(told(inOneZone)).toEqual([`${GROUP}/instanceTypes not-offered`]);
  });

  it('a type on which the image does not boot is an error at its place in the list', () => {
    const types = check('m6i', 'm7g');
    types.checkImage({ name: 'ubuntu', architectures: ['x86_64'] });
    expect(told(types)).toEqual([`${GROUP}/instanceTypes/1 architecture-mismatch`]);
    const words = [{ pointer: `${GROUP}/instanceType`, name: 'm7g' }];
    const single = new TypeCheck(GROUP, 'main', words, false, FOUND);
    single.checkImage({ name: 'ubuntu', architectures: ['x86_64'] });
    expect(told(single)).toEqual([`${GROUP}/image architecture-mismatch`]);
  });
});
