import { describe, expect, it } from 'vitest';
import {
  heaviestType,
  lightestType,
  nextType,
  typeFor,
  typesOf,
} from '../../../../functions/platform/placement/choose-type.ts';

const small = { name: 'm7i.large', vcpus: 2, gpus: 0, memoryGb: 16, pricesUsdPerHour: { east: 0.1 } };
const large = { name: 'c6i.xlarge', vcpus: 4, gpus: 1, memoryGb: 8, pricesUsdPerHour: { east: 0.2 } };
const first = { instanceType: small.name, vcpus: 2, gpus: 0, memoryGb: 16, pricesUsdPerHour: { east: 0.1 } };
const both = { ...first, types: [small, large] };

describe('typesOf', () => {
  it('a node group with one type has that type, with the size and the prices of the group', () => {
    expect(typesOf(first)).toEqual([small]);
    expect(typesOf(both)).toEqual([small, large]);
  });

  it('a node group that was accepted before sizes were stored has a type without a size', () => {
    expect(typesOf({ instanceType: 'm6i.large', pricesUsdPerHour: {} })).toEqual([
      { name: 'm6i.large', vcpus: 0, gpus: 0, memoryGb: 0, pricesUsdPerHour: {} },
    ]);
  });
});

describe('typeFor', () => {
  it('an attempt has the type in the record, else the first type that the location offers', () => {
    expect(typeFor(both, 'east', undefined)).toBe(small);
    expect(typeFor(both, 'east', large.name)).toBe(large);
    const group = { ...first, types: [{ ...small, notOfferedIn: ['east'] }, large] };
    expect(typeFor(group, 'east', undefined)).toBe(large);
    expect(typeFor(group, 'west', undefined)).toMatchObject(small);
  });

  it('a type that a user gave to the machine is not one of the group', () => {
    expect(typeFor(both, 'east', 'm7i.metal')).toBe(small);
  });
});

describe('nextType', () => {
  it('the next type is the first one that the instance has not tried and the location offers', () => {
    expect(nextType(both, 'east', [])).toBe(small);
    expect(nextType(both, 'east', [small.name])).toBe(large);
    expect(nextType(both, 'east', [small.name, large.name])).toBeUndefined();
    const group = { ...first, types: [small, { ...large, notOfferedIn: ['east'] }] };
    expect(nextType(group, 'east', [small.name])).toBeUndefined();
  });
});

it('the heaviest and the lightest sizes compare each resource over all types', () => {
  expect(heaviestType([small, large])).toEqual({ vcpus: 4, gpus: 1, memoryGb: 16 });
  expect(lightestType([small, large])).toEqual({ vcpus: 2, gpus: 0, memoryGb: 8 });
});
