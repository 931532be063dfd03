import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT } from '../../cli/shell/exit.ts';
import type { Sweep } from '../../functions/model/orphan.ts';
import type { Stack } from '../run/stack.ts';

const POLL_MS = 1_000;
const ATMOST_MS = 10 * 60_000;

type Finding = Sweep['findings'][number];

/**
 * Returns the resources of these fleets that exist at a cloud and that no record claims. Runs a sweep as a
 * dry run: the worker reads the cloud's lists at every location, and changes nothing.
 *
 * @throws CliError when some location could not be read
 */
export async function findUnclaimed(
  { client, namespace }: Stack,
  connection: string,
  fleetIds: readonly string[],
): Promise<Finding[]> {
  let sweep = await client.sweepOrphans({ params: { namespace }, body: { connection, dryRun: true } });
  for (const untilMs = Date.now() + ATMOST_MS; sweep.status !== 'Done'; await sleep(POLL_MS)) {
    if (Date.now() > untilMs) throw notRead(connection, ['the sweep takes longer than ten minutes']);
    sweep = await client.getSweep({ params: { namespace, sweep: sweep.id } });
  }
  if (sweep.failures.length > 0 || sweep.findingsLeftOut > 0) {
    throw notRead(
      connection,
      sweep.failures.map(({ location, code, message }) => `${location ?? 'everywhere'}: ${code}: ${message}`),
    );
  }
  return sweep.findings.filter((one) => one.reason !== 'missing' && fleetIds.some((id) => isOf(one, id)));
}

/**
 * Returns true if a finding belongs to a fleet. An instance id begins with the fleet's id, and the name of a
 * network resource with the fleet's id without its first letter. A finding without an instance id and without
 * a name is counted, although the finding may belong to another fleet.
 */
function isOf({ instanceId, name }: Finding, fleetId: string): boolean {
  if (instanceId !== undefined) return instanceId.startsWith(`${fleetId}-`);
  return name?.startsWith(fleetId.slice(1)) ?? true;
}

function notRead(connection: string, details: readonly string[]): CliError {
  return new CliError(
    EXIT.otherwise,
    'not-swept',
    `not all locations of connection ${connection} could be swept`,
    `To try again, run: npx fleetwright orphans sweep --connection ${connection} --dry-run --wait`,
    { details },
  );
}
