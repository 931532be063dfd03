import { z } from 'zod';

/** Time in seconds. A burst may have at most as many calls as the rate allows in this time. */
const BURST_SECONDS = 10;
/**
 * Tolerance for rounded numbers: with it, a spacing of 6 s does not contradict a rate of 0.1667 per second, although 6
 * times 0.1667 is more than 1.
 */
const ROUNDING = 1.01;

export interface Contradiction {
  path: string[];
  message: string;
}

const amount = z.number().positive().optional().catch(undefined);
const rate = z.object({ perSecond: amount, burst: amount }).optional().catch(undefined);

/**
 * The fields that the rules below compare with each other. This schema accepts any value in these fields, so that
 * contradictions are reported together with errors in other fields.
 */
const relatedSchema = z.object({
  calls: z.object({ create: rate, list: rate, mutate: rate }).optional().catch(undefined),
  createsPerMinute: amount,
  createsPerDay: amount,
  minimumSpacingMs: amount,
  pacing: z.string().optional().catch(undefined),
});

/** Returns the largest burst for a rate. It is at least 1, even for a very low rate. */
export function mostBurst(perSecond: number): number {
  return Math.max(1, perSecond * BURST_SECONDS);
}

/**
 * Finds fields of a limit override that contradict each other. Only fields that the user wrote are compared, because
 * `limitProfileOf` adjusts the defaults to these fields.
 *
 * @param limits the override as the user sent it, valid or not
 */
export function contradictionsOf(limits: unknown): Contradiction[] {
  const related = relatedSchema.safeParse(limits).data;
  if (!related) return [];
  const { calls = {}, createsPerMinute, createsPerDay, minimumSpacingMs, pacing } = related;
  const found: Contradiction[] = [];
  const add = (path: string, message: string) => found.push({ path: path.split('.'), message });
  for (const [kind, { perSecond, burst } = {}] of Object.entries(calls)) {
    if (perSecond === undefined || burst === undefined) continue;
    const isEven = kind === 'create' && pacing === 'even';
    if (burst < perSecond && !isEven) {
      add(
        `calls.${kind}.burst`,
        'must be at least perSecond: with a smaller burst, this rate is never reached',
      );
    }
    if (burst > mostBurst(perSecond)) {
      const most = mostBurst(perSecond);
      add(
        `calls.${kind}.burst`,
        `must be at most ${most}: the calls that perSecond allows in ${BURST_SECONDS} s`,
      );
    }
  }
  const { perSecond, burst = 0 } = calls.create ?? {};
  if (createsPerDay !== undefined && createsPerMinute !== undefined && createsPerDay < createsPerMinute) {
    add('createsPerDay', `must be at least createsPerMinute, which is ${createsPerMinute}`);
  }
  if (createsPerMinute !== undefined && burst > createsPerMinute) {
    add('calls.create.burst', `must be at most createsPerMinute, which is ${createsPerMinute}`);
  }
  if (createsPerDay !== undefined && burst > createsPerDay) {
    add('calls.create.burst', `must be at most createsPerDay, which is ${createsPerDay}`);
  }
  if (pacing === 'even' && burst > 1) {
    add(
      'calls.create.burst',
      'must be 1: with pacing even, the time between create calls is always the same',
    );
  }
  if (pacing === 'all-at-once') {
    const why = 'must be left out: with pacing all-at-once, the cloud itself queues create calls';
    if (calls.create !== undefined) add('calls.create', why);
    if (minimumSpacingMs !== undefined) add('minimumSpacingMs', why);
  } else if (
    minimumSpacingMs !== undefined &&
    perSecond !== undefined &&
    minimumSpacingMs * perSecond > 1_000 * ROUNDING
  ) {
    const most = Math.floor(1_000 / perSecond);
    add(
      'minimumSpacingMs',
      `must be at most ${most} ms: with more, the rate of ${perSecond} creates per second is never reached`,
    );
  }
  return found;
}
