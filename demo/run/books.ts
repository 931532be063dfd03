import * as z from 'zod';
import { measureRun } from '../../bench/ideal/from-books.ts';
import { SIMULATED_LIMITS } from '../../bench/ideal/limits.ts';
import type { SimAccess } from '../../local/index.ts';
import { ask } from './ask-clouds.ts';

const tagsSchema = z.record(z.string(), z.string());

const bookedInstanceSchema = z.object({
  backendId: z.string(),
  tags: tagsSchema,
  launchToken: z.string().optional(),
  status: z.string(),
  acceptedAt: z.iso.datetime(),
  submitMs: z.number(),
  bootMs: z.number(),
  runningAt: z.iso.datetime().optional(),
  terminatedAt: z.iso.datetime().optional(),
  planted: z.literal(true).optional(),
});
export type BookedInstance = z.infer<typeof bookedInstanceSchema>;

const resourceSchema = z.object({ backendId: z.string(), tags: tagsSchema });
const callsSchema = z.record(z.string(), z.number());

const booksSchema = z.object({
  now: z.iso.datetime(),
  seed: z.number(),
  clouds: z.array(
    z.object({
      cloud: z.string(),
      connection: z.string(),
      location: z.string(),
      instances: z.array(bookedInstanceSchema),
      networks: z.array(resourceSchema),
      securityGroups: z.array(resourceSchema),
      keyPairs: z.array(resourceSchema),
      calls: callsSchema,
      throttled: z.number(),
      limitViolations: z.record(z.string(), z.number()),
    }),
  ),
  accounts: z.array(
    z.object({ cloud: z.string(), connection: z.string(), calls: callsSchema, throttled: z.number() }),
  ),
});
/**
 * The simulated clouds' record of their instances, resources and calls. It is independent of Fleetwright's
 * records.
 */
export type Books = z.infer<typeof booksSchema>;

export async function readBooks(clouds: SimAccess): Promise<Books> {
  return booksSchema.parse(await ask(clouds, 'books'));
}

/**
 * Resets the clouds to their initial state with this seed. Faults that were added through the control API are
 * removed, too.
 */
export async function resetClouds(clouds: SimAccess, seed: number): Promise<void> {
  await ask(clouds, 'reset', { method: 'POST', body: { seed } });
}

/** Returns true if an instance exists at its cloud. */
const exists = (instance: BookedInstance): boolean => instance.status !== 'Terminated';

/** Returns all instances that existed when the books were read, including those of other deployments. */
export function existing(books: Books): BookedInstance[] {
  return books.clouds.flatMap(({ instances }) => instances.filter(exists));
}

/**
 * What the simulated clouds recorded in one run of one deployment, from their books `before` and `after` the
 * run.
 */
export class RunBooks {
  readonly #before: Books;
  readonly #after: Books;
  readonly #known: ReadonlySet<string>;
  readonly #deploymentId: string;

  constructor(before: Books, after: Books, deploymentId: string) {
    this.#before = before;
    this.#after = after;
    this.#deploymentId = deploymentId;
    this.#known = new Set(
      before.clouds.flatMap(({ cloud, instances, networks, securityGroups, keyPairs }) =>
        [...instances, ...networks, ...securityGroups, ...keyPairs].map(
          ({ backendId }) => `${cloud} ${backendId}`,
        ),
      ),
    );
  }

  /**
   * Returns the instances that create calls of this deployment created in the run, including terminated ones.
   * Instances that the control API added are left out.
   */
  instances(): (BookedInstance & { cloud: string; location: string })[] {
    return this.#after.clouds.flatMap(({ cloud, location, instances }) =>
      instances
        .filter((one) => this.#isOfRun(cloud, one) && !one.planted)
        .map((one) => ({ ...one, cloud, location })),
    );
  }

  /**
   * Returns the instances that exist after the run although no live record claims them.
   *
   * @param claimed ids of instances with a live record
   */
  leaked(claimed: ReadonlySet<string>): BookedInstance[] {
    return this.instances().filter(
      (one) => exists(one) && !claimed.has(one.tags['fleetwright:instance'] ?? ''),
    );
  }

  /**
   * Returns instances whose launch token an earlier instance already has, and instances that existed at the same time
   * as an earlier instance with the same instance id.
   */
  duplicated(): BookedInstance[] {
    const byId = Map.groupBy(this.instances(), ({ tags }) => tags['fleetwright:instance'] ?? '');
    return [...byId.values()].flatMap((same) => {
      const inOrder = same.toSorted((a, b) => Date.parse(a.acceptedAt) - Date.parse(b.acceptedAt));
      return inOrder.filter((one, at) =>
        inOrder
          .slice(0, at)
          .some((earlier) => earlier.launchToken === one.launchToken || !goneBefore(earlier, one)),
      );
    });
  }

  /** Returns the largest number of instances of a fleet that ran at the same time. */
  peakRunning(fleetId: string): number {
    const changes = this.instances()
      .filter(({ tags }) => tags['fleetwright:instance']?.startsWith(`${fleetId}-`))
      .flatMap(({ runningAt, terminatedAt }) =>
        runningAt === undefined
          ? []
          : [
              { atMs: Date.parse(runningAt), by: 1 },
              ...(terminatedAt === undefined ? [] : [{ atMs: Date.parse(terminatedAt), by: -1 }]),
            ],
      )
      .sort((a, b) => a.atMs - b.atMs || a.by - b.by);
    let [now, peak] = [0, 0];
    for (const { by } of changes) {
      now += by;
      peak = Math.max(peak, now);
    }
    return peak;
  }

  /** Counts the instances and network resources of the run that exist after the run. */
  remaining(): number {
    const resources = this.#after.clouds.flatMap(({ cloud, networks, securityGroups, keyPairs }) =>
      [...networks, ...securityGroups, ...keyPairs].filter((one) => this.#isOfRun(cloud, one)),
    );
    return this.instances().filter(exists).length + resources.length;
  }

  /** Returns the number of cloud calls by name, over all locations and accounts. */
  calls(cloud?: string): Record<string, number> {
    const sum: Record<string, number> = {};
    const add = (books: Books, sign: 1 | -1) => {
      for (const site of [...books.clouds, ...books.accounts]) {
        if (cloud !== undefined && site.cloud !== cloud) continue;
        for (const [call, count] of Object.entries(site.calls)) sum[call] = (sum[call] ?? 0) + sign * count;
      }
    };
    add(this.#after, 1);
    add(this.#before, -1);
    return sum;
  }

  totalCalls(): number {
    return Object.values(this.calls()).reduce((sum, count) => sum + count, 0);
  }

  /** Counts the clouds' answers with status 429. */
  throttled(cloud?: string): number {
    const count = ({ clouds, accounts }: Books) =>
      [...clouds, ...accounts]
        .filter((site) => cloud === undefined || site.cloud === cloud)
        .reduce((sum, { throttled }) => sum + throttled, 0);
    return count(this.#after) - count(this.#before);
  }

  /**
   * Returns the number of answers with status 429 for each limit (`instanceSlots`, `locationSlots`, or the
   * kind of call), without the answers that a fault caused.
   */
  limitViolations(): Record<string, number> {
    const sum: Record<string, number> = {};
    const add = (books: Books, sign: 1 | -1) => {
      for (const { limitViolations } of books.clouds) {
        for (const [limit, count] of Object.entries(limitViolations)) {
          sum[limit] = (sum[limit] ?? 0) + sign * count;
        }
      }
    };
    add(this.#after, 1);
    add(this.#before, -1);
    return Object.fromEntries(Object.entries(sum).filter(([, count]) => count > 0));
  }

  /** Returns the run's makespan (time until the last instance ran) and its ideal makespan, both from `startedAt`. */
  schedule(startedAt: string, fleetIds: readonly string[]) {
    return measureRun({
      books: this.#after,
      limits: SIMULATED_LIMITS,
      startedAt,
      deploymentId: this.#deploymentId,
      fleetIds,
    });
  }

  #isOfRun(cloud: string, { backendId, tags }: { backendId: string; tags: Record<string, string> }): boolean {
    return !this.#known.has(`${cloud} ${backendId}`) && tags['fleetwright:deployment'] === this.#deploymentId;
  }
}

function goneBefore(earlier: BookedInstance, later: BookedInstance): boolean {
  return (
    earlier.terminatedAt !== undefined && Date.parse(earlier.terminatedAt) <= Date.parse(later.acceptedAt)
  );
}
