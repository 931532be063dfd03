import * as z from 'zod';

/**
 * Tolerance for rounded numbers: with it, a spacing of 6 s does not contradict a rate of 0.1667 per second, although 6
 * times 0.1667 is more than 1.
 */
const ROUNDING = 1.01;

export interface Contradiction {
  path: string[];
  /** `missing`: the field at the path has to be written, too. */
  code: 'contradictory' | 'missing';
  message: string;
}

const amount = z.number().positive().optional().catch(undefined);
const rate = z
  .object({ perSecond: amount, burst: amount, count: amount, windowSeconds: amount })
  .optional()
  .catch(undefined);
const kinds = z.object({ create: rate, list: rate, mutate: rate }).optional().catch(undefined);

const byName = <Entry extends z.ZodType>(entry: Entry) =>
  z.record(z.string(), entry.nullable().catch(null)).optional().catch(undefined);

/**
 * The fields that the rules below compare with each other. This schema accepts any value in these fields, so that
 * contradictions are reported together with errors in other fields.
 */
const relatedSchema = z.object({
  calls: kinds,
  instances: rate.nullable().catch(undefined),
  actions: byName(z.object({ calls: rate, instances: rate })),
  connectionCalls: byName(rate),
  families: byName(z.object({ instances: rate })),
  locations: byName(z.object({ calls: kinds, instances: rate.nullable().catch(undefined) })),
  createsPerMinute: amount,
  createsPerDay: amount,
  minimumSpacingMs: amount,
  pacing: z.string().optional().catch(undefined),
});

/**
 * Finds fields of a limit override that contradict each other, and fields that others need. Only fields that the user
 * wrote are compared, because `limitProfileOf` adjusts the defaults to these fields.
 *
 * @param limits the override as the user sent it, valid or not
 */
export function contradictionsOf(limits: unknown): Contradiction[] {
  const related = relatedSchema.safeParse(limits).data;
  if (!related) return [];
  const { createsPerMinute, createsPerDay, locations = {} } = related;
  const found = ratesOf(related).flatMap((one) => rateContradictions(one, related));
  if (createsPerDay !== undefined && createsPerMinute !== undefined && createsPerDay < createsPerMinute) {
    const message = `must be at least createsPerMinute, which is ${createsPerMinute}`;
    found.push({ path: ['createsPerDay'], code: 'contradictory', message });
  }
  found.push(...createContradictions(related, related, []));
  for (const [name, own] of Object.entries(locations))
    if (own) found.push(...createContradictions(own, related, ['locations', name]));
  return [...found, ...queuedCreates(related), ...spacingContradictions(related), ...uncountedCalls(related)];
}

/** Finds a burst with which the rate is never reached. */
function rateContradictions(
  [path, { perSecond, burst } = {}]: RatePath,
  { pacing, minimumSpacingMs }: Related,
): Contradiction[] {
  if (perSecond === undefined || burst === undefined || burst >= perSecond) return [];
  const isOfMachines = path.at(-1) === 'instances' && path[0] !== 'actions' && path[0] !== 'families';
  const isOfCreates = path.slice(-2).join('.') === 'calls.create' || isOfMachines;
  const isSpaced = pacing === 'even' || (isOfMachines && minimumSpacingMs !== undefined);
  if (isOfCreates && isSpaced) return [];
  const message = 'must be at least perSecond: with a smaller burst, this rate is never reached';
  return [{ path: [...path, 'burst'], code: 'contradictory', message }];
}

/**
 * Compares the rates of creates with the budgets and the pacing of the connection.
 *
 * @param own the rates of the connection, or those of one location
 */
function createContradictions(
  { calls = {}, instances }: Pick<Related, 'calls' | 'instances'>,
  { createsPerMinute, createsPerDay, pacing }: Related,
  within: readonly string[],
): Contradiction[] {
  const found: Contradiction[] = [];
  const add = (path: readonly string[], message: string) =>
    found.push({ path: [...within, ...path], code: 'contradictory', message });
  const { count, burst = count ?? 0 } = calls.create ?? {};
  const atOnce = ['calls', 'create', count === undefined ? 'burst' : 'count'];
  if (createsPerMinute !== undefined && burst > createsPerMinute)
    add(atOnce, `must be at most createsPerMinute, which is ${createsPerMinute}`);
  if (createsPerDay !== undefined && burst > createsPerDay)
    add(atOnce, `must be at most createsPerDay, which is ${createsPerDay}`);
  if (pacing === 'even' && burst > 1)
    add(atOnce, 'must be 1: with pacing even, the time between create calls is always the same');
  if (pacing === 'all-at-once') {
    if (calls.create !== undefined) add(['calls', 'create'], CLOUD_QUEUES);
    if (instances) add(['instances'], CLOUD_QUEUES);
  }
  return found;
}

/** Finds rates of creates, over all locations or of a family, that the pacing excludes. */
function queuedCreates({ pacing, connectionCalls = {}, families = {} }: Related): Contradiction[] {
  if (pacing !== 'all-at-once') return [];
  const paths = [
    ...Object.keys(connectionCalls)
      .filter((kind) => connectionCalls[kind] && (kind === 'create' || kind === 'change'))
      .map((kind) => ['connectionCalls', kind]),
    ...Object.keys(families)
      .filter((name) => families[name])
      .map((name) => ['families', name]),
  ];
  return paths.map((path) => ({ path, code: 'contradictory', message: CLOUD_QUEUES }));
}

const CLOUD_QUEUES = 'must be left out: with pacing all-at-once, the cloud itself queues create calls';

/** Compares the minimum spacing with the pacing, and with the rates of creates of the connection and its locations. */
function spacingContradictions({
  minimumSpacingMs,
  pacing,
  calls,
  locations = {},
}: Related): Contradiction[] {
  if (minimumSpacingMs === undefined) return [];
  const path = ['minimumSpacingMs'];
  if (pacing === 'all-at-once') return [{ path, code: 'contradictory', message: CLOUD_QUEUES }];
  const rates = [calls?.create, ...Object.values(locations).map((own) => own?.calls?.create)];
  const fastest = Math.max(...rates.map((one) => perSecondIn(one) ?? 0));
  if (minimumSpacingMs * fastest <= 1_000 * ROUNDING) return [];
  const rounded = Number(fastest.toPrecision(4));
  const message = `must be at most ${Math.floor(1_000 / fastest)} ms: with more, the rate of ${rounded} creates per second is never reached`;
  return [{ path, code: 'contradictory', message }];
}

/** Finds a rate of machines without one of the calls that ask for them. At a location, the connection's calls apply. */
function uncountedCalls({ calls, instances, pacing }: Related): Contradiction[] {
  if (!instances || calls?.create !== undefined || pacing === 'all-at-once') return [];
  const message =
    'must be given with `instances`: a cloud that meters machines also meters the calls that ask for them';
  return [{ path: ['calls', 'create'], code: 'missing', message }];
}

function perSecondIn(one: z.infer<typeof rate>): number | undefined {
  const { perSecond, count, windowSeconds } = one ?? {};
  return count !== undefined && windowSeconds !== undefined ? count / windowSeconds : perSecond;
}

type Related = z.infer<typeof relatedSchema>;
type RatePath = readonly [readonly string[], z.infer<typeof rate>];

function ratesOf(related: Related): RatePath[] {
  const {
    calls = {},
    instances,
    actions = {},
    locations = {},
    connectionCalls = {},
    families = {},
  } = related;
  const ofKinds = (kinds: object, within: readonly string[]): RatePath[] =>
    Object.entries(kinds).map(([kind, one]) => [[...within, kind], one]);
  return [
    ...ofKinds(calls, ['calls']),
    [['instances'], instances ?? undefined],
    ...Object.entries(actions).flatMap(([name, one]) => ofKinds(one ?? {}, ['actions', name])),
    ...Object.entries(connectionCalls).map(
      ([kind, one]): RatePath => [['connectionCalls', kind], one ?? undefined],
    ),
    ...Object.entries(families).flatMap(([name, one]) => ofKinds(one ?? {}, ['families', name])),
    ...Object.entries(locations).flatMap(([name, one]): RatePath[] => [
      ...ofKinds(one?.calls ?? {}, ['locations', name, 'calls']),
      [['locations', name, 'instances'], one?.instances ?? undefined],
    ]),
  ];
}
