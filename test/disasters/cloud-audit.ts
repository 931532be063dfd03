import { expect } from 'vitest';
import { eachItem } from '../../client/index.ts';
import { type Books, RunBooks } from '../../demo/run/books.ts';
import type { Cloud } from '../../functions/model/cloud.ts';
import type { Fleet, Instance } from '../../functions/model/fleet.ts';
import { isClosed } from '../../functions/model/status.ts';
import { booksOf, client, namespace, pause, stack } from '../e2e/deployed.ts';
import { HostStalls } from './host-stalls.ts';

const SETTLING_MS = 60_000;
/** Maximum number of calls above the cloud's rate limit that one stall of the host may cause. */
const REFUSED_PER_STALL = 3;

interface Given {
  /** True if a fault of the cloud made machines twice. The second machine of each pair must then be gone. */
  duplicatesGone?: boolean;
}

/**
 * Compares what the simulated clouds report since the start of a disaster with what the API says. Disasters
 * that run at the same time use different clouds.
 */
export class CloudAudit {
  readonly #clouds: readonly Cloud[];
  readonly #before: Books;
  readonly #stalls = new HostStalls();

  private constructor(clouds: readonly Cloud[], before: Books) {
    this.#clouds = clouds;
    this.#before = before;
  }

  static async begin(...clouds: Cloud[]): Promise<CloudAudit> {
    return new CloudAudit(clouds, await booksOf(clouds));
  }

  async books(): Promise<RunBooks> {
    return new RunBooks(this.#before, await booksOf(this.#clouds), stack.outputs.DeploymentId);
  }

  /**
   * Expects no leaked and no duplicate machine, no exceeded limit, and fleets that agree with the clouds'
   * reports.
   */
  async expectAsRecorded(fleets: readonly Fleet[], given: Given = {}): Promise<void> {
    await this.#eventually(async () => {
      const recorded = (await Promise.all(fleets.map(({ id }) => instancesOf(id)))).flat();
      const books = await this.books();
      const claimed = new Set(recorded.filter(({ status }) => !isClosed(status)).map(({ id }) => id));
      expect(books.leaked(claimed)).toEqual([]);
      expectNoneTwice(books, given);
      expectWithinLimits(books, given, this.#stalls.count);
      expect(running(recorded)).toEqual(
        books
          .instances()
          .filter(({ status }) => status === 'Running')
          .map(({ tags, backendId, location }) => `${tags['fleetwright:instance']} ${backendId} ${location}`)
          .sort(),
      );
      const shown = await Promise.all(
        fleets.map(({ id }) => client.getFleet({ params: { namespace, fleet: id } })),
      );
      const shownRunning = shown.reduce((sum, { counts }) => sum + (counts.Running ?? 0), 0);
      expect(shownRunning).toBe(running(recorded).length);
      for (const { counts, byLocation } of shown) {
        const there = byLocation.reduce((sum, one) => sum + (one.counts.Running ?? 0), 0);
        expect(there).toBe(counts.Running ?? 0);
      }
    });
  }

  /** Expects no machine, key pair, security group or network at the clouds, and no record of any of these. */
  async expectNothingLeft(fleets: readonly Fleet[], given: Given = {}): Promise<void> {
    await this.#eventually(async () => {
      const books = await this.books();
      expect(books.remaining()).toBe(0);
      expectNoneTwice(books, given);
      expectWithinLimits(books, given, this.#stalls.count);
      for (const { id } of fleets) {
        const open = (await instancesOf(id)).filter(({ status }) => !isClosed(status));
        expect(open).toEqual([]);
        const { items } = await client.listResources({ params: { namespace }, query: { fleet: id } });
        expect(items).toEqual([]);
      }
    });
  }

  /**
   * Repeats a check until it passes or `SETTLING_MS` are over. Copies of messages may be in flight when a
   * fleet has settled.
   */
  async #eventually(holds: () => Promise<void>): Promise<void> {
    for (const deadline = Date.now() + SETTLING_MS; ; await pause(2_000)) {
      try {
        await holds();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }
}

function expectNoneTwice(books: RunBooks, { duplicatesGone = false }: Given): void {
  expect(books.duplicated().filter((one) => !duplicatesGone || exists(one))).toEqual([]);
}

function expectWithinLimits(books: RunBooks, { duplicatesGone = false }: Given, stalls: number): void {
  const { instanceSlots = 0, locationSlots = 0, ...rates } = books.limitViolations();
  // If a call made two machines, the second machine occupies a slot at the cloud. The governor does not know
  // the second machine.
  if (!duplicatesGone)
    expect({ instanceSlots, locationSlots }).toEqual({ instanceSlots: 0, locationSlots: 0 });
  // On a host that stalls, calls with consecutive permits arrive together. The cloud then refuses some of
  // them.
  const refused = Object.values(rates).reduce((sum, count) => sum + count, 0);
  expect(
    refused,
    `too many calls exceeded a rate limit: ${JSON.stringify(rates)}, with ${stalls} stalls of the host`,
  ).toBeLessThanOrEqual(Math.max(2, books.totalCalls() / 100) + REFUSED_PER_STALL * stalls);
}

const exists = ({ status }: { status: string }): boolean => status !== 'Terminated';

export async function instancesOf(fleet: string): Promise<Instance[]> {
  const all: Instance[] = [];
  const pages = { params: { namespace, fleet }, query: { limit: 500 } };
  for await (const instance of eachItem(client.listInstances, pages)) all.push(instance);
  return all;
}

const running = (instances: readonly Instance[]): string[] =>
  instances
    .filter(({ status }) => status === 'Running')
    .map(({ id, backendId, location }) => `${id} ${backendId} ${location}`)
    .sort();
