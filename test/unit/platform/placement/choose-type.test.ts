import { describe, expect, it } from 'vitest';
import {
  choiceFor,
  choicesAt,
  heaviestType,
  lightestType,
  nextChoice,
  priceOf,
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

const asSpot = { spotPricesUsdPerHour: { east: 0.03 } };
const names = (choices: readonly ReturnType<typeof choicesAt>[number][]) =>
  choices.map(({ type, market }) => `${market} ${type.name}`);

describe('choicesAt', () => {
  const types = [
    { ...small, ...asSpot },
    { ...large, ...asSpot },
  ];

  it('all types of a market come before the next market', () => {
    const group = { ...first, types, markets: ['spot' as const, 'on-demand' as const] };
    expect(names(choicesAt(group, 'east'))).toEqual([
      'spot m7i.large',
      'spot c6i.xlarge',
      'on-demand m7i.large',
      'on-demand c6i.xlarge',
    ]);
    expect(names(choicesAt(first, 'east'))).toEqual(['on-demand m7i.large']);
  });

  it('a type without a spot price is not offered as spot', () => {
    const group = { ...first, types: [small, { ...large, ...asSpot }], markets: ['spot' as const] };
    expect(names(choicesAt(group, 'east'))).toEqual(['spot c6i.xlarge']);
    expect(choicesAt(group, 'west')).toEqual([]);
  });

  it('what is known to cost more than the group allows is left out, and what has no known price stays', () => {
    const markets = ['spot' as const, 'reserved' as const, 'on-demand' as const];
    const group = { ...first, types, markets, maxUsdPerHour: 0.1 };
    expect(names(choicesAt(group, 'east'))).toEqual([
      'spot m7i.large',
      'spot c6i.xlarge',
      'reserved m7i.large',
      'on-demand m7i.large',
    ]);
    expect(names(choicesAt(group, 'west'))).toHaveLength(4);
  });
});

describe('choiceFor', () => {
  const markets = ['spot' as const, 'on-demand' as const];
  const group = { ...first, types: [small, { ...large, ...asSpot }], markets };

  it('an attempt has the type and market of its record, else the first that the location offers', () => {
    expect(names([choiceFor(group, 'east', {})])).toEqual(['spot c6i.xlarge']);
    expect(names([choiceFor(group, 'west', {})])).toEqual(['on-demand m7i.large']);
    const recorded = { instanceType: large.name, market: 'on-demand' as const };
    expect(names([choiceFor(group, 'east', recorded)])).toEqual(['on-demand c6i.xlarge']);
  });

  it('a spot machine costs the spot price, and a reserved one the price on demand', () => {
    const type = { ...large, ...asSpot };
    expect(priceOf({ type, market: 'spot' }, 'east')).toBe(0.03);
    expect(priceOf({ type, market: 'reserved' }, 'east')).toBe(0.2);
    expect(priceOf({ type, market: 'spot' }, 'west')).toBeUndefined();
  });
});

describe('nextChoice', () => {
  const next = (...wanted: Parameters<typeof nextChoice>) =>
    names([nextChoice(...wanted)].filter((one) => !!one));

  it('the next type is the first one that the instance has not tried and the location offers', () => {
    expect(next(both, 'east', 'on-demand', [])).toEqual(['on-demand m7i.large']);
    expect(next(both, 'east', 'on-demand', [small.name])).toEqual(['on-demand c6i.xlarge']);
    expect(next(both, 'east', 'on-demand', [small.name, large.name])).toEqual([]);
    const group = { ...first, types: [small, { ...large, notOfferedIn: ['east'] }] };
    expect(next(group, 'east', 'on-demand', [small.name])).toEqual([]);
  });

  it('the next market begins with its first type, and never is one that was tried before', () => {
    const markets = ['reserved' as const, 'spot' as const, 'on-demand' as const];
    const group = { ...first, types: [{ ...small, ...asSpot }, large], markets };
    expect(next(group, 'east', 'reserved', 'all')).toEqual(['spot m7i.large']);
    expect(next(group, 'east', 'spot', [small.name])).toEqual(['on-demand m7i.large']);
    expect(next(group, 'east', 'on-demand', [small.name, large.name])).toEqual([]);
    expect(next(group, 'east', 'reserved', 'all', ['spot'])).toEqual(['on-demand m7i.large']);
  });
});

it('the heaviest and the lightest sizes compare each resource over all types', () => {
  expect(heaviestType([small, large])).toEqual({ vcpus: 4, gpus: 1, memoryGb: 16 });
  expect(lightestType([small, large])).toEqual({ vcpus: 2, gpus: 0, memoryGb: 8 });
});
