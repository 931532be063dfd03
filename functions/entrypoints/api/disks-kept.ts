import { volumeName, volumeView } from '../../features/volumes/volume-view.ts';
import { disksText, diskText } from '../../model/disk-text.ts';
import type { VolumeItem } from '../../platform/store/volumes.ts';
import { Problem } from './problem.ts';

/** Maximum number of disks that the sentence names, and that the member `keptDisks` lists. */
const MOST_NAMED = 20;
const MOST_LISTED = 100;

/** Returns the problem of a connection that is not deleted, because disks of it are kept. */
export function disksKept(connection: string, disks: readonly VolumeItem[]): Problem {
  const named = disks.slice(0, MOST_NAMED).map((one) => {
    const leaving = one.state === 'Deleting' ? ', is being removed' : '';
    return `${one.location} ${volumeName(one)} (${diskText(one)}${leaving})`;
  });
  const more = disks.length > MOST_NAMED ? `, and ${disks.length - MOST_NAMED} more` : '';
  const detail = `connection ${connection} has ${disksText(disks)}: ${named.join(', ')}${more}. Remove them with \`fleetwright resources remove <name>\`, or forget them with \`fleetwright connection delete ${connection} --forget-disks\` (API: \`?forgetDisks=true\`): they then stay at the cloud, and cost money`;
  const extra = { keptDiskCount: disks.length, keptDisks: disks.slice(0, MOST_LISTED).map(volumeView) };
  return new Problem('disks-kept', detail, { extra });
}
