import * as z from 'zod';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import type { SimEvent, VolumeRecord } from '../../../local/sim/engine/records.ts';
import type { Lab } from '../world/lab.ts';
import { type Violation, violationBy } from './violation.ts';

const volumeSchema = z.object({ backendId: z.string(), state: z.string() });

/** Returns true if the tables say that a volume whose machine is gone is kept. */
export function isRecordedAsKept({ tables }: Lab, backendId: string): boolean {
  return tables.fleets
    .all()
    .filter(({ pk }) => String(pk).startsWith('VOL#'))
    .map((item) => volumeSchema.parse(item))
    .some((one) => one.backendId === backendId && one.state === 'Kept');
}

/**
 * Checks each removal of a volume: no disk that is to be kept is removed if its machine has run by the records. No user
 * of a run asks for such a removal.
 */
export class KeptDiskWatch {
  readonly #lab: () => Lab;
  readonly #violations: Violation[];
  readonly #kept = new Map<string, VolumeRecord>();

  /** @param lab returns the lab, which does not exist yet when the watch is made */
  constructor(lab: () => Lab, violations: Violation[]) {
    this.#lab = lab;
    this.#violations = violations;
  }

  readonly onEvent = (event: SimEvent): void => {
    if (event.kind === 'volume' && !event.record.deleteOnTermination)
      this.#kept.set(event.record.backendId, event.record);
    if (event.kind !== 'volume-gone') return;
    const volume = this.#kept.get(event.backendId);
    if (!volume) return;
    const { tables, ground } = this.#lab();
    const user = tables.fleets
      .all()
      .flatMap((item) => {
        const record = instanceItemSchema.safeParse(item).data;
        return record ? [record] : [];
      })
      .find(({ launchToken, runningAt }) => launchToken === volume.launchToken && runningAt !== undefined);
    if (!user) return;
    const text = `volume ${event.backendId} of ${user.instanceId} was removed, and is to be kept`;
    ground.trace.add('INVARIANT', `lost: ${text}`);
    this.#violations.push(violationBy('lost', text, ground.caller));
  };
}
