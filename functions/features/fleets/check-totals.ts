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
  /** vCPUs of one instance. `gpus` and `memoryGb` are per instance, too. */
  vcpus: number;
  gpus: number;
  memoryGb: number;
}

const NAMES = { instances: 'instances', vcpus: 'vCPUs', gpus: 'GPUs', memoryGb: 'GB of memory' } as const;

/**
 * Finds node groups that together request more of a connection than the totals in the connection's limits
 * allow. The connection could not run such a fleet even if it had no other fleet. Usage by other fleets is
 * not counted, because those fleets may have ended when the launches begin.
 *
 * @returns one error for each exceeded total of a connection; the error points to the first group with which
 *   the sum is above the total
 */
export function checkTotals(groups: readonly GroupDemand[]): RequestError[] {
  const byConnection = Map.groupBy(groups, ({ connection }) => connection.name);
  return [...byConnection.values()].flatMap((ofConnection) => {
    const [first] = ofConnection;
    const totals = first && limitProfileOf(first.connection, first.connection.limits).totals;
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
