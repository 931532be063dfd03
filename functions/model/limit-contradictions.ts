import { z } from 'zod';

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
const rate = z.object({ perSecond: amount, burst: amount, count: amount }).optional().catch(undefined);

const byName = <Entry extends z.ZodType>(entry: Entry) =>
  z.record(z.string(), entry.nullable().catch(null)).optional().catch(undefined);

/**
 * The fields that the rules below compare with each other. This schema accepts any value in these fields, so that
 * contradictions are reported together with errors in other fields.
 */
const relatedSchema = z.object({
  calls: z.object({ create: rate, list: rate, mutate: rate }).optional().catch(undefined),
  instances: rate.nullable().catch(undefined),
  actions: byName(z.object({ calls: rate, instances: rate })),
  locations: byName(
    z.object({
      calls: z.object({ create: rate, list: rate, mutate: rate }).optional().catch(undefined),
      instances: rate.nullable().catch(undefined),
    }),
  ),
  createsPerMinute: amount,
  createsPerDay: amount,
  minimumSpacingMs: amount,
  pacing: z.string().optional().catch(undefined),
});

/**
 * Finds fields of a limit override that contradict each other. Only fields that the user wrote are compared, because
 * `limitProfileOf` adjusts the defaults to these fields.
 *
 * @param limits the override as the user sent it, valid or not
 */
export function contradictionsOf(limits: unknown): Contradiction[] {
  const related = relatedSchema.safeParse(limits).data;
  if (!related) return [];
  const { calls = {}, instances, createsPerMinute, createsPerDay, minimumSpacingMs, pacing } = related;
  const found: Contradiction[] = [];
  const add = (path: string | readonly string[], message: string) =>
    found.push({ path: typeof path === 'string' ? path.split('.') : [...path], message });
  for (const [path, { perSecond, burst } = {}] of ratesOf(related)) {
    if (perSecond === undefined || burst === undefined) continue;
    const isSpaced = pacing === 'even' || (path[0] === 'instances' && minimumSpacingMs !== undefined);
    const isEven = (path.join('.') === 'calls.create' || path[0] === 'instances') && isSpaced;
    if (burst < perSecond && !isEven)
      add([...path, 'burst'], 'must be at least perSecond: with a smaller burst, this rate is never reached');
  }
  const { perSecond, count, burst = count ?? 0 } = calls.create ?? {};
  const atOnce = count === undefined ? 'calls.create.burst' : 'calls.create.count';
  if (createsPerDay !== undefined && createsPerMinute !== undefined && createsPerDay < createsPerMinute) {
    add('createsPerDay', `must be at least createsPerMinute, which is ${createsPerMinute}`);
  }
  if (createsPerMinute !== undefined && burst > createsPerMinute) {
    add(atOnce, `must be at most createsPerMinute, which is ${createsPerMinute}`);
  }
  if (createsPerDay !== undefined && burst > createsPerDay) {
    add(atOnce, `must be at most createsPerDay, which is ${createsPerDay}`);
  }
  if (pacing === 'even' && burst > 1) {
    add(atOnce, 'must be 1: with pacing even, the time between create calls is always the same');
  }
  if (pacing === 'all-at-once') {
    const why = 'must be left out: with pacing all-at-once, the cloud itself queues create calls';
    if (calls.create !== undefined) add('calls.create', why);
    if (instances) add('instances', why);
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

type Related = z.infer<typeof relatedSchema>;
type RatePath = readonly [readonly string[], z.infer<typeof rate>];

function ratesOf({ calls = {}, instances, actions = {}, locations = {} }: Related): RatePath[] {
  const ofKinds = (kinds: object, within: readonly string[]): RatePath[] =>
    Object.entries(kinds).map(([kind, one]) => [[...within, kind], one]);
  return [
    ...ofKinds(calls, ['calls']),
    [['instances'], instances ?? undefined],
    ...Object.entries(actions).flatMap(([name, one]) => ofKinds(one ?? {}, ['actions', name])),
    ...Object.entries(locations).flatMap(([name, one]): RatePath[] => [
      ...ofKinds(one?.calls ?? {}, ['locations', name, 'calls']),
      [['locations', name, 'instances'], one?.instances ?? undefined],
    ]),
  ];
}
