import { disksText, diskText } from '../../functions/model/disk-text.ts';
import type { DeploymentTables } from '../shell/direct-tables.ts';

type KeptDisks = Awaited<ReturnType<DeploymentTables['readPossessions']>>['keptDisks'];

/** Maximum number of disks that are named. */
const MOST_NAMED = 20;

/** Returns the end of a sentence that names the disks which the removal leaves: `; 2 kept disks, … would stay: …`. */
export function keptText(disks: KeptDisks, verb: string): string {
  if (disks.length === 0) return '';
  const named = disks
    .slice(0, MOST_NAMED)
    .map((one) => `${one.connection}/${one.location} ${one.backendId} (${diskText(one)})`);
  const more = disks.length > MOST_NAMED ? `, and ${disks.length - MOST_NAMED} more` : '';
  return `; ${disksText(disks)} ${verb}: ${named.join(', ')}${more}`;
}
