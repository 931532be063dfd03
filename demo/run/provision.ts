import { CliError, EXIT } from '../../cli/shell/exit.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { type Books, existing, RunBooks, readBooks, resetClouds } from './books.ts';
import {
  claimedInstances,
  deleteFleets,
  startFleets,
  takenNames,
  type Watch,
  watchFleets,
} from './run-fleets.ts';
import type { Stack } from './stack.ts';

/**
 * Maximum time to wait for the fleets, in ms. After this time, the demo reports the fleets as they are. Only
 * a run that hangs takes that long.
 */
const ATMOST_MS = 20 * 60_000;

export type Surroundings = Pick<Watch, 'out' | 'signal'>;

export interface Provisioned {
  fleets: Fleet[];
  refusals: unknown[];
  before: Books;
  books: RunBooks;
  /** Time at which the API accepted the first fleet. */
  startedAt: string;
  /** Time at which the API had answered all create requests, in milliseconds since 1970. */
  askedMs: number;
  /** Number of instances that exist at the clouds and that no live record claims. */
  leaked: number;
}

/**
 * Prepares the clouds for a run of these fleets.
 *
 * @param seed absent: the clouds are not reset
 * @throws CliError when fleets or instances of an earlier run exist
 */
export async function prepareClouds(
  stack: Stack,
  requests: readonly FleetRequest[],
  seed: number | undefined,
): Promise<void> {
  const names = requests.map(({ name }) => name);
  const taken = await takenNames(stack, names);
  if (taken.length > 0) {
    throw new CliError(
      EXIT.usage,
      'fleets-exist',
      `these fleets exist already, perhaps from an earlier run: ${taken.join(', ')}`,
      `Delete them first: ${taken.map((name) => `npx fleetwright fleet delete ${name} --wait`).join(' && ')}`,
    );
  }
  if (seed === undefined) return;
  const left = existing(await readBooks(stack)).length;
  if (left > 0) {
    throw new CliError(
      EXIT.usage,
      'clouds-in-use',
      `the simulated clouds have ${left} instances, which a reset to another seed would delete`,
      'Delete their fleets first, or run the command without --seed.',
    );
  }
  await resetClouds(stack, seed);
}

/** Creates all fleets concurrently. Waits until their launches have ended, or the signal is aborted. */
export async function provision(
  stack: Stack,
  requests: readonly FleetRequest[],
  { out, signal }: Surroundings,
): Promise<Provisioned> {
  const before = await readBooks(stack);
  const started = await startFleets(stack, requests);
  const askedMs = Date.now();
  const ids = started.fleets.map(({ id }) => id);
  const watched =
    ids.length === 0 ? [] : await watchFleets(stack, ids, { goal: 'up', out, signal, atMostMs: ATMOST_MS });
  const fleets = watched.length > 0 ? watched : started.fleets;
  // The books (the clouds' own record) are read last. Otherwise an instance that is removed between the two
  // reads would look leaked.
  const claimed = await claimedInstances(stack, ids);
  const books = new RunBooks(before, await readBooks(stack), stack.outputs.DeploymentId);
  const startedAt = fleets.map(({ createdAt }) => createdAt).sort()[0] ?? before.now;
  return { ...started, fleets, before, books, startedAt, askedMs, leaked: books.leaked(claimed).length };
}

export interface Removed {
  books: RunBooks;
  /** Number of instances and network resources of the run that still exist at the clouds. */
  remaining: number;
}

/** Deletes the fleets and waits until nothing of them is left. */
export async function remove(
  stack: Stack,
  { fleets, before }: Provisioned,
  { out, signal }: Surroundings,
): Promise<Removed> {
  const ids = fleets.map(({ id }) => id);
  if (ids.length > 0) {
    await deleteFleets(stack, ids);
    await watchFleets(stack, ids, { goal: 'gone', out, signal, atMostMs: ATMOST_MS });
  }
  const books = new RunBooks(before, await readBooks(stack), stack.outputs.DeploymentId);
  return { books, remaining: books.remaining() };
}
