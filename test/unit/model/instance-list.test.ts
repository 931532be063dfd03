import { describe, expect, it } from 'vitest';
import { fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { fleetOfList, instanceListRequestSchema } from '../../../functions/model/instance-list.ts';

const machine = {
  connection: 'main',
  location: 'us-east-1',
  instanceType: 'm6i.large',
  image: 'ubuntu-24.04',
};
const other = { ...machine, location: 'us-west-2', tags: { b: '2', a: '1' } };

const issuesOf = (body: unknown): string[] =>
  (instanceListRequestSchema.safeParse(body).error?.issues ?? []).map((issue) => {
    const code = issue.code === 'custom' ? String(issue.params?.['code']) : issue.code;
    return `/${issue.path.join('/')} ${code}`;
  });
const listOf = (body: unknown) => fleetOfList(instanceListRequestSchema.parse(body), 'usual-name');

describe('a list of machines', () => {
  it('has one node group for machines that differ only in their names and in the order of their fields', () => {
    const { request, names, namesByGroup, entriesByGroup } = listOf({
      name: 'build',
      instances: [
        { ...machine, name: 'first' },
        { ...other, name: 'west' },
        machine,
        { ...other, tags: { a: '1', b: '2' } },
      ],
    });
    expect(request).toEqual({
      name: 'build',
      failurePolicy: 'continue',
      nodeGroups: [
        {
          name: 'first',
          size: 2,
          connection: 'main',
          locations: ['us-east-1'],
          instanceType: 'm6i.large',
          image: 'ubuntu-24.04',
        },
        {
          name: 'west',
          size: 2,
          connection: 'main',
          locations: ['us-west-2'],
          instanceType: 'm6i.large',
          image: 'ubuntu-24.04',
          tags: { a: '1', b: '2' },
        },
      ],
    });
    expect(fleetRequestSchema.parse(request)).toEqual(request);
    expect(names).toEqual(['first', 'west', 'build-1', 'build-2']);
    expect(namesByGroup).toEqual([
      ['first', 'build-1'],
      ['west', 'build-2'],
    ]);
    expect(entriesByGroup).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('numbers the machines of an entry with a count, and gives machines without a name the free numbers of the list', () => {
    const { names, request } = listOf({
      instances: [
        { ...machine, count: 2 },
        { ...machine, name: 'usual-name-2' },
        { ...other, name: 'data', count: 2 },
      ],
    });
    expect(request.name).toBe('usual-name');
    expect(names).toEqual(['usual-name-1', 'usual-name-3', 'usual-name-2', 'data-1', 'data-2']);
  });

  it('cuts a long name, so that each machine has a valid name of its own', () => {
    const name = 'a'.repeat(40);
    const { names } = listOf({ name, instances: [{ ...machine, count: 100 }] });
    expect(names[0]).toBe(`${'a'.repeat(38)}-1`);
    expect(names.at(-1)).toBe(`${'a'.repeat(36)}-100`);
    expect(new Set(names).size).toBe(100);
  });

  it.each<[string, unknown, string[]]>([
    ['no machine', { instances: [] }, ['/instances too_small']],
    ['no list', { instances: null }, ['/instances invalid_type']],
    [
      'more than 100 machines',
      {
        instances: [
          { ...machine, count: 60 },
          { ...machine, count: 41 },
        ],
      },
      ['/instances too-big'],
    ],
    [
      'more than 100 entries',
      { instances: Array.from({ length: 101 }, () => machine) },
      ['/instances too_big'],
    ],
    ['a count of zero', { instances: [{ ...machine, count: 0 }] }, ['/instances/0/count too_small']],
    [
      'the same name twice',
      { instances: [{ ...machine, name: 'one' }, machine, { ...machine, name: 'one' }] },
      ['/instances/2/name duplicate'],
    ],
    [
      'a name that a count makes, too',
      {
        instances: [
          { ...machine, name: 'web', count: 3 },
          { ...machine, name: 'web-2' },
        ],
      },
      ['/instances/1/name duplicate'],
    ],
    [
      'fields that contradict each other in one entry',
      { instances: [machine, { ...machine, rootDiskGb: 5, rootDisk: { sizeGb: 5 } }] },
      ['/instances/1/rootDiskGb contradictory'],
    ],
    [
      'a field of a single instance that the list shares',
      { instances: [{ ...machine, network: { mode: 'shared' } }] },
      ['/instances/0 unrecognized_keys'],
    ],
    [
      'fields of a single instance beside the list',
      { ...machine, instances: [machine] },
      ['/ unrecognized_keys'],
    ],
  ])('with %s is refused, with the field', (_what, body, issues) => {
    expect(issuesOf(body)).toEqual(issues);
  });
});
