import { describe, expect, it } from 'vitest';
import { checkTotals, type GroupDemand } from '../../../../functions/features/fleets/check-totals.ts';
import type { Connection } from '../../../../functions/model/connection.ts';
import type { Totals } from '../../../../functions/model/limit-profile.ts';

function connection(name: string, totals?: Totals): Connection {
  return {
    namespace: 'default',
    name,
    id: 'c0000000000000000',
    driver: 'sim',
    cloud: 'aws',
    status: 'Ready',
    createdAt: '2026-01-01T00:00:00Z',
    ...(totals ? { limits: { totals } } : {}),
  };
}

/**
 * Returns one node group for each size. The first of these groups has index `from` in the request. Each instance
 * has 4 vCPUs, 1 GPU and 16 GB of memory.
 */
function groups(of: Connection, sizes: readonly number[], from = 0): GroupDemand[] {
  return sizes.map((size, at) => ({
    pointer: `/nodeGroups/${from + at}`,
    connection: of,
    size,
    vcpus: 4,
    gpus: 1,
    memoryGb: 16,
  }));
}

const pointersOf = (demands: readonly GroupDemand[]) => checkTotals(demands).map(({ pointer }) => pointer);

describe('checkTotals', () => {
  it.each<[string, Totals, string[]]>([
    ['exactly the permitted instances', { instances: 30 }, []],
    ['one instance too many', { instances: 29 }, ['/nodeGroups/2/size']],
    ['too many instances in the first node group', { instances: 9 }, ['/nodeGroups/0/size']],
    ['exactly the permitted vCPUs', { vcpus: 120 }, []],
    ['too many vCPUs', { vcpus: 119 }, ['/nodeGroups/2/size']],
    ['too many GPUs', { gpus: 15 }, ['/nodeGroups/1/size']],
    ['too much memory', { memoryGb: 479.5 }, ['/nodeGroups/2/size']],
    [
      'too many GPUs and too much memory',
      { gpus: 15, memoryGb: 479 },
      ['/nodeGroups/1/size', '/nodeGroups/2/size'],
    ],
    ['resources that have no total', {}, []],
  ])('a fleet that asks for %s, with totals %j, gets errors at %j', (_what, totals, pointers) => {
    expect(pointersOf(groups(connection('here', totals), [10, 10, 10]))).toEqual(pointers);
  });

  it('a connection’s totals apply only to the node groups that use this connection', () => {
    const small = connection('small', { instances: 15 });
    const demands = [
      ...groups(connection('large'), [9_000]),
      ...groups(small, [10], 1),
      ...groups(connection('other', { instances: 15 }), [15], 2),
    ];
    expect(pointersOf(demands)).toEqual([]);
    expect(checkTotals([...demands, ...groups(small, [6], 3)])).toEqual([
      {
        pointer: '/nodeGroups/3/size',
        code: 'above-totals',
        message: 'the limits of connection small allow 15 instances in total; the fleet requests 16',
      },
    ]);
  });
});
