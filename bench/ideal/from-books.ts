import * as z from 'zod';
import { type AskedCloud, type CreateLimits, idealSchedule } from './ideal-schedule.ts';

const bookedInstanceSchema = z.object({
  tags: z.record(z.string(), z.string()),
  acceptedAt: z.iso.datetime(),
  submitMs: z.number().nonnegative(),
  bootMs: z.number().nonnegative(),
  runningAt: z.iso.datetime().optional(),
});
type BookedInstance = z.infer<typeof bookedInstanceSchema>;

/** The fields of `GET /_sim/books` (the simulated clouds' own record) that the ideal schedule needs. */
export const booksSchema = z.object({
  clouds: z.array(
    z.object({
      cloud: z.string(),
      connection: z.string(),
      location: z.string(),
      instances: z.array(bookedInstanceSchema),
    }),
  ),
});

export interface Run {
  /** The answer of `GET /_sim/books`, as parsed JSON. */
  books: unknown;
  limits: Readonly<Record<string, CreateLimits>>;
  /** Time at which the API accepted the first create request of the run. */
  startedAt: string;
  /** The id of the run's deployment. Absent: instances of every deployment count. */
  deploymentId?: string;
  /** The ids of the run's fleets. Absent: instances of every fleet count. */
  fleetIds?: readonly string[];
}

export interface RunResult {
  /** Number of instances that ran, each counted once. */
  instances: number;
  idealSeconds: number;
  makespanSeconds: number;
  /** `makespanSeconds` divided by `idealSeconds`; null if no instance ran. */
  ratio: number | null;
  clouds: { cloud: string; idealSeconds: number }[];
}

/**
 * Computes the ideal and the real schedule of one run. If several machines were made for an instance, only
 * the first one that ran is used. Instances are sorted by id (fleet and position), which is the order of the
 * requests.
 *
 * @throws ZodError when `books` is not an answer of `GET /_sim/books`; RangeError when no limits are known
 *   for one of the run's clouds
 */
export function measureRun({ books, limits, startedAt, deploymentId, fleetIds }: Run): RunResult {
  const startMs = Date.parse(startedAt);
  const isOfRun = ({ tags, acceptedAt }: BookedInstance) =>
    Date.parse(acceptedAt) >= startMs &&
    (deploymentId === undefined || tags['fleetwright:deployment'] === deploymentId) &&
    (fleetIds === undefined || fleetIds.some((id) => tags['fleetwright:instance']?.startsWith(`${id}-`)));
  const sites = booksSchema
    .parse(books)
    .clouds.map((site) => ({ ...site, ran: firstThatRan(site.instances.filter(isOfRun)) }))
    .filter(({ ran }) => ran.length > 0)
    .sort((a, b) => compareText(a.ran[0]?.id ?? '', b.ran[0]?.id ?? ''));
  const byConnection = Map.groupBy(sites, ({ cloud, connection }) => `${cloud} ${connection}`);
  const asked = [...byConnection.values()].map((sites): AskedCloud => {
    const cloud = sites[0]?.cloud ?? '';
    const allowed = limits[cloud];
    if (!allowed) throw new RangeError(`no limits are known for cloud ${cloud}`);
    return {
      cloud,
      limits: allowed,
      locations: sites.map(({ location, ran }) => ({
        location,
        instances: ran.map(({ submitMs, bootMs }) => ({
          submitSeconds: submitMs / 1_000,
          bootSeconds: bootMs / 1_000,
        })),
      })),
    };
  });
  const all = sites.flatMap(({ ran }) => ran);
  const lastMs = all.reduce((last, { runningMs }) => Math.max(last, runningMs), startMs);
  const { idealSeconds, clouds } = idealSchedule(asked);
  const makespanSeconds = (lastMs - startMs) / 1_000;
  const ratio = all.length === 0 ? null : makespanSeconds / idealSeconds;
  return { instances: all.length, idealSeconds, makespanSeconds, ratio, clouds };
}

interface RanInstance {
  id: string;
  submitMs: number;
  bootMs: number;
  runningMs: number;
}

function firstThatRan(instances: readonly BookedInstance[]): RanInstance[] {
  const first = new Map<string, RanInstance>();
  for (const { tags, submitMs, bootMs, runningAt } of instances) {
    const id = tags['fleetwright:instance'];
    if (id === undefined || runningAt === undefined) continue;
    const ran = { id, submitMs, bootMs, runningMs: Date.parse(runningAt) };
    const earlier = first.get(id);
    if (!earlier || ran.runningMs < earlier.runningMs) first.set(id, ran);
  }
  return [...first.values()].sort((a, b) => compareText(a.id, b.id));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
