import { eachItem } from '../../client/index.ts';
import { disksText, diskText } from '../../functions/model/disk-text.ts';
import type { Resource } from '../../functions/model/resource.ts';
import type { Context } from '../shell/context.ts';

/** Maximum number of disks that are named. */
const MOST_NAMED = 20;

/**
 * Says which disks of a fleet are kept when its machines are removed, and what they cost. If the API does not answer, says
 * so: the deletion has been requested all the same.
 */
export async function sayKeptDisks(context: Context, namespace: string, fleetId: string): Promise<void> {
  try {
    await nameKeptDisks(context, namespace, fleetId);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.say(`The disks that the fleet leaves could not be listed: ${why}`);
  }
}

async function nameKeptDisks(context: Context, namespace: string, fleetId: string): Promise<void> {
  const api = await context.api();
  const params = { namespace, fleet: fleetId };
  const disks: Resource[] = [];
  const input = { params, query: { kind: 'volume' as const } };
  for await (const disk of eachItem(api.listFleetResources, input)) {
    if (disk.state !== 'Deleting') disks.push(disk);
  }
  if (disks.length === 0) return;
  const priced = disks.map((one) => ({ ...one, type: one.diskType }));
  context.say(`The fleet leaves ${disksText(priced)}:`);
  for (const one of priced.slice(0, MOST_NAMED)) {
    context.say(`  ${one.name} of ${one.instanceId}: ${diskText(one)}`);
  }
  if (priced.length > MOST_NAMED) context.say(`  and ${priced.length - MOST_NAMED} more`);
  context.say('To remove one, run: fleetwright resources remove <name>');
}
