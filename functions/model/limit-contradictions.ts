import { z } from 'zod';

/** A burst is a rest made up for, and no second way around the rate: at most what the rate gives in this time. */
const BURST_SECONDS = 10;
/** What is written in decimals meets what is divided: a six-second spacing and a rate of 0.1667. */
const ROUNDING = 1.01;

export interface Contradiction {
  path: string[];
  message: string;
}

const amount = z.number().positive().optional().catch(undefined);
const rate = z.object({ perSecond: amount, burst: amount }).optional().catch(undefined);

/** What the rules look at. Read leniently, so that they speak up beside errors in other fields. */
const relatedSchema = z.object({
  calls: z.object({ create: rate, list: rate, mutate: rate }).optional().catch(undefined),
  createsPerMinute: amount,
  createsPerDay: amount,
  minimumSpacingMs: amount,
  pacing: z.string().optional().catch(undefined),
});

/** The largest burst that goes with a rate: a single call always does, however rare calls are. */
export function mostBurst(perSecond: number): number {
  return Math.max(1, perSecond * BURST_SECONDS);
}

/**
 * Fields of a limit override that cannot hold together. What was not written never contradicts what was: defaults give
 * way to it.
 *
 * @param limits as they came, valid or not
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
      add(`calls.${kind}.burst`, 'must not be below perSecond, which could never be reached');
    }
    if (burst > mostBurst(perSecond)) {
      const most = mostBurst(perSecond);
      add(
        `calls.${kind}.burst`,
        `burst above the rate: at most ${most}, what perSecond gives in ${BURST_SECONDS} s`,
      );
    }
  }
  const { perSecond, burst = 0 } = calls.create ?? {};
  if (createsPerDay !== undefined && createsPerMinute !== undefined && createsPerDay < createsPerMinute) {
    add('createsPerDay', `must not be below createsPerMinute, ${createsPerMinute}`);
  }
  if (createsPerMinute !== undefined && burst > createsPerMinute) {
    add('calls.create.burst', `must not be above createsPerMinute, ${createsPerMinute}`);
  }
  if (createsPerDay !== undefined && burst > createsPerDay) {
    add('calls.create.burst', `must not be above createsPerDay, ${createsPerDay}`);
  }
  if (pacing === 'even' && burst > 1) {
    add('calls.create.burst', 'pacing even spaces creates evenly: a burst of 1');
  }
  if (pacing === 'all-at-once') {
    const why = 'contradicts pacing all-at-once, where the cloud queues creates by itself';
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
      `must be at most ${most} ms for ${perSecond} creates per second, which could never be reached`,
    );
  }
  return found;
}
