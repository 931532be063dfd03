import type { Connection } from '../../model/connection.ts';
import type { Totals } from '../../model/limit-profile.ts';
import { limitProfileOf } from '../../model/limits-in-force.ts';
import type { RequestError } from './check-words.ts';

/** What a node group asks of its connection. */
export interface GroupDemand {
  /** Of the group, in the body. */
  pointer: string;
  connection: Connection;
  size: number;
  /** Of one instance. */
  vcpus: number;
  gpus: number;
  memoryGb: number;
}

const NAMES = { instances: 'instances', vcpus: 'vCPUs', gpus: 'GPUs', memoryGb: 'GB of memory' } as const;

/**
 * A fleet that could not come up even if nothing else were there: it asks a connection for more than the connection may
 * have in all. What others have of it now is no reason to refuse: it may be gone when the launches come.
 *
 * @returns an error for the group with which the fleet comes to ask too much, for each kind of total
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
  const message = `${over.connection.name} may have ${most} ${NAMES[kind]} in all; the fleet asks it for ${asked}`;
  return [{ pointer: `${over.pointer}/size`, code: 'above-totals', message }];
}
