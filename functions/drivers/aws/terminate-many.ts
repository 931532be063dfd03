import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import type { TerminateOutcome } from '../contract/capabilities.ts';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';

/** EC2's maximum number of ids in one TerminateInstances call. */
export const MAX_TERMINATED = 1_000;

/**
 * Maximum number of further calls after EC2 has refused a call. Without this limit, a policy that denies the removal of
 * every machine would cost two calls for each of them. Machines that are left get the error of their last call.
 */
const MOST_FURTHER_CALLS = 40;

/**
 * True for each error code that may concern some of the machines only. EC2 refuses a whole call if it knows one of the
 * ids not, and spares all machines of the zone of a machine with termination protection.
 */
const MAY_CONCERN_SOME: Readonly<Record<DriverErrorCode, boolean>> = {
  NotFound: true,
  InvalidRequest: true,
  Conflict: true,
  Unsupported: true,
  Forbidden: true,
  InsufficientCapacity: false,
  QuotaExceeded: false,
  Throttled: false,
  Unavailable: false,
  OutcomeUnknown: false,
  Unauthorized: false,
  NoPermit: false,
};

/**
 * Terminates machines. If EC2 refuses a call and names machines, calls again without these. If it names none, divides
 * the machines between two calls, until each machine that EC2 refuses is alone.
 *
 * @returns one outcome for each id, in the order of the ids
 */
export async function terminateMany(
  ec2: Ec2,
  location: string,
  backendIds: readonly string[],
): Promise<TerminateOutcome[]> {
  const errors = new Map<string, DriverError>();
  const parts: (readonly string[])[] = [[...new Set(backendIds)]];
  let further = MOST_FURTHER_CALLS + 1;
  for (let part = parts.shift(); part; part = parts.shift()) {
    further -= 1;
    const error = await refusalOf(ec2, location, part);
    if (!error) continue;
    const refused = refusedAmong(part, error);
    if (error.code !== 'NotFound') for (const id of refused) errors.set(id, error);
    const left = part.filter((id) => !refused.includes(id));
    if (left.length === 0) continue;
    if (further <= 0) for (const id of left) errors.set(id, error);
    else parts.push(...(refused.length > 0 ? [left] : halvesOf(left)));
  }
  return backendIds.map((backendId) => {
    const error = errors.get(backendId);
    return error ? { backendId, error } : { backendId };
  });
}

async function refusalOf(
  ec2: Ec2,
  location: string,
  ids: readonly string[],
): Promise<DriverError | undefined> {
  try {
    await ec2.send(location, new TerminateInstancesCommand({ InstanceIds: [...ids] }));
    return undefined;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return error;
  }
}

/** Returns the machines to which a refusal applies, as far as EC2's words tell. Pure. */
function refusedAmong(ids: readonly string[], { code, message }: DriverError): readonly string[] {
  if (ids.length === 1 || !MAY_CONCERN_SOME[code]) return ids;
  const named = new Set(message.match(/\bi-[0-9a-f]+\b/g));
  return ids.filter((id) => named.has(id));
}

function halvesOf(ids: readonly string[]): string[][] {
  const middle = Math.ceil(ids.length / 2);
  return [ids.slice(0, middle), ids.slice(middle)];
}
