import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { fleetRequestSchema } from '../../../functions/model/fleet-request.ts';

it('the example in docs/fleet-yaml.md is accepted, and has every field of a fleet request', () => {
  const text = readFileSync(new URL('../../../docs/fleet-yaml.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  const body: unknown = parse(example);
  expect(fleetRequestSchema.safeParse(body).error).toBeUndefined();
  const shape = Object.keys(fleetRequestSchema.shape).toSorted();
  expect(Object.keys(fleetRequestSchema.parse(body)).toSorted()).toEqual(shape);
});

it('a fleet may use at most 90 connections', () => {
  const fleetOn = (count: number) => ({
    name: 'web',
    nodeGroups: Array.from({ length: count }, (_, at) => ({
      name: `group-${at}`,
      size: 1,
      connection: `connection-${at}`,
      locations: ['east-1'],
      instanceType: 'small',
      image: 'linux',
    })),
  });
  expect(fleetRequestSchema.safeParse(fleetOn(90)).error).toBeUndefined();
  expect(fleetRequestSchema.safeParse(fleetOn(91)).error?.issues).toMatchObject([
    { path: ['nodeGroups'], message: 'must name at most 90 connections; the request names 91' },
  ]);
});
