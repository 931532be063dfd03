import { expect } from 'vitest';
import { eachItem } from '../../client/index.ts';
import { type Books, RunBooks } from '../../demo/run/books.ts';
import type { Cloud } from '../../functions/model/cloud.ts';
import type { Fleet, Instance } from '../../functions/model/fleet.ts';
import { isClosed } from '../../functions/model/status.ts';
import { booksOf, client, namespace, pause, stack } from '../e2e/deployed.ts';

const SETTLING_MS = 60_000;

interface Given {
  /** The cloud made some twice, against its word: those are to be gone by now. */
  duplicatesGone?: boolean;
}

/**
 * What some clouds say of everything since a disaster began, against what the API says. Disasters that run at the same
 * time keep to clouds of their own.
 */
export class CloudAudit {
  readonly #clouds: readonly Cloud[];
  readonly #before: Books;

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

  /** Nothing leaked, nothing twice, no limit exceeded, and the fleets say what the books say. */
  async expectAsRecorded(fleets: readonly Fleet[], given: Given = {}): Promise<void> {
    await this.#eventually(async () => {
      const recorded = (await Promise.all(fleets.map(({ id }) => instancesOf(id)))).flat();
      const books = await this.books();
      const claimed = new Set(recorded.filter(({ status }) => !isClosed(status)).map(({ id }) => id));
      expect(books.leaked(claimed)).toEqual([]);
      expectNoneTwice(books, given);
      expectWithinLimits(books, given);
      expect(running(recorded)).toEqual(
        books
          .instances()
          .filter(({ status }) => status === 'Running')
          .map(({ tags, backendId, location }) => `${tags['fleetwright:instance']} ${backendId} ${location}`)
          .sort(),
      );
      const told = await Promise.all(
        fleets.map(({ id }) => client.getFleet({ params: { namespace, fleet: id } })),
      );
      const toldRunning = told.reduce((sum, { counts }) => sum + (counts.Running ?? 0), 0);
      expect(toldRunning).toBe(running(recorded).length);
      for (const { counts, byLocation } of told) {
        const there = byLocation.reduce((sum, one) => sum + (one.counts.Running ?? 0), 0);
        expect(there).toBe(counts.Running ?? 0);
      }
    });
  }

  /** Neither machines nor key pairs, security groups or networks, and no record that claims one. */
  async expectNothingLeft(fleets: readonly Fleet[], given: Given = {}): Promise<void> {
    await this.#eventually(async () => {
      const books = await this.books();
      expect(books.remaining()).toBe(0);
      expectNoneTwice(books, given);
      expectWithinLimits(books, given);
      for (const { id } of fleets) {
        const open = (await instancesOf(id)).filter(({ status }) => !isClosed(status));
        expect(open).toEqual([]);
        const { items } = await client.listResources({ params: { namespace }, query: { fleet: id } });
        expect(items).toEqual([]);
      }
    });
  }

  /** Doubles of messages may still be on their way when a fleet has settled. */
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

function expectWithinLimits(books: RunBooks, { duplicatesGone = false }: Given): void {
  const { instanceSlots = 0, locationSlots = 0, ...rates } = books.limitViolations();
  // A second machine that the cloud made of one call holds a slot that no launch asked for.
  if (!duplicatesGone)
    expect({ instanceSlots, locationSlots }).toEqual({ instanceSlots: 0, locationSlots: 0 });
  // Where a machine is too busy, calls that were permitted one after the other arrive together.
  const refused = Object.values(rates).reduce((sum, count) => sum + count, 0);
  expect(refused, `refused by ${JSON.stringify(rates)}`).toBeLessThanOrEqual(
    Math.max(2, books.totalCalls() / 100),
  );
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
