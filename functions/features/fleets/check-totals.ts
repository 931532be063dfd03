import type { Connection } from '../../model/connection.ts';
import type { Totals } from '../../model/limit-profile.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import type { RequestError } from './check-words.ts';

/** The resources that a node group requests of its connection. */
export interface GroupDemand {
  /** JSON pointer of the group in the request body. */
  pointer: string;
  connection: Connection;
  size: number;
  /** Per instance, like the two below. */
  vcpus: number;
  gpus: number;
  memoryGb: number;
}

const NAMES = { instances: 'instances', vcpus: 'vCPUs', gpus: 'GPUs', memoryGb: 'GB of memory' } as const;

/**
 * Finds groups that request more of a connection than its totals allow. Such a fleet could not come up even if the
 * connection had no other fleet. Usage by other fleets is not counted: it may be free when the launches come.
 *
 * @returns for each kind of total, an error at the group with which the sum exceeds it
 */
export function checkTotals(groups: readonly GroupDemand[]): RequestError[] {
  const byConnection = Map.groupBy(groups, ({ connection }) => connection.name);
  return [...byConnection.values()].flatMap((ofConnection) => {
    const [first] = ofConnection;
    const totals = first && limitProfileOf(first.connection.cloud, first.connection.limits).totals;
    if (!totals) return [];
    return [
      ...exceeded(ofConnection, totals, 'instances', () => 1),
      ...exceeded(ofConnection, totals, 'vcpus', ({ vcpus }) => vcpus),
      ...exceeded(ofConnection, totals, 'gpus', ({ gpus }) => gpus),
      ...exceeded(ofConnection, totals, 'memoryGb', ({ memoryGb }) => memoryGb),
    ];
  });
}

function exceeded(
  groups: readonly GroupDemand[],
  totals: Totals,
  kind: keyof Totals,
  each: (group: GroupDemand) => number,
): RequestError[] {
  const most = totals[kind];
  if (most === undefined) return [];
  const asked = groups.reduce((sum, group) => sum + group.size * each(group), 0);
  let sum = 0;
  const over = groups.find((group) => {
    sum += group.size * each(group);
    return sum > most;
  });
  if (!over) return [];
  const message = `the limits of connection ${over.connection.name} allow ${most} ${NAMES[kind]} in total; the fleet requests ${asked}`;
  return [{ pointer: `${over.pointer}/size`, code: 'above-totals', message }];
}
