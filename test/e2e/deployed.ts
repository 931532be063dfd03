import { inject } from 'vitest';
import { createClient } from '../../client/index.ts';
import { ask } from '../../demo/run/ask-clouds.ts';
import { type BookedInstance, type Books, RunBooks, readBooks } from '../../demo/run/books.ts';
import { claimedInstances } from '../../demo/run/run-fleets.ts';
import type { Cloud } from '../../functions/model/cloud.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { FleetRequest, NodeGroupRequest } from '../../functions/model/fleet-request.ts';
import type { FleetStatus } from '../../functions/model/status.ts';

/** The deployed app, seen from outside, and the clouds' books beside it. */
export const stack = inject('stack');
export const client = createClient(stack);
export const namespace = stack.namespace;

const TYPES: Record<string, string> = {
  'sim-aws': 'm6i.large',
  'sim-azure': 'Standard_D2s_v5',
  'sim-gcp': 'e2-standard-2',
  'sim-alibaba': 'ecs.g7.large',
  'sim-tencent': 'S5.MEDIUM4',
  'sim-ibm': 'bx2-2x8',
  'sim-ncp': 'c2-g2-h50',
  'sim-openstack': 'm1.small',
};

export function group(connection: string, size: number, locations: string[]): NodeGroupRequest {
  const instanceType = TYPES[connection];
  if (instanceType === undefined) throw new RangeError(`no type is known for ${connection}`);
  return { name: `${connection}-nodes`, size, connection, locations, instanceType, image: 'ubuntu-24.04' };
}

export function request(name: string, ...nodeGroups: NodeGroupRequest[]): FleetRequest {
  return { name, failurePolicy: 'continue', nodeGroups };
}

const COMING_UP: readonly FleetStatus[] = ['Preparing', 'Held', 'Creating'];

export async function untilUp(fleetId: string): Promise<Fleet> {
  return await fleetWhen(fleetId, ({ status }) => !COMING_UP.includes(status));
}

/** Deletes a fleet and waits until it is gone. */
export async function deleteFleet(fleetId: string): Promise<Fleet> {
  await client.deleteFleet({ params: { namespace, fleet: fleetId } });
  return await untilGone(fleetId);
}

export async function untilGone(fleetId: string): Promise<Fleet> {
  return await fleetWhen(fleetId, ({ status }) => status === 'Terminated' || status === 'RolledBack');
}

/** A fleet as soon as it is so; the test's own time limit ends the waiting. */
export async function fleetWhen(fleetId: string, holds: (fleet: Fleet) => boolean): Promise<Fleet> {
  for (;;) {
    const fleet = await client.getFleet({ params: { namespace, fleet: fleetId } });
    if (holds(fleet)) return fleet;
    await pause(500);
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What some of the clouds have in their books. Tests that run at the same time keep to clouds of their own. */
export async function booksOf(clouds: readonly Cloud[]): Promise<Books> {
  const books = await readBooks(stack);
  const kept = ({ cloud }: { cloud: string }) => clouds.some((one) => one === cloud);
  return { ...books, clouds: books.clouds.filter(kept), accounts: books.accounts.filter(kept) };
}

/** What some of the clouds say of everything since a test began. */
export class Audit {
  readonly #clouds: readonly Cloud[];
  readonly #before: Books;

  private constructor(clouds: readonly Cloud[], before: Books) {
    this.#clouds = clouds;
    this.#before = before;
  }

  static async begin(...clouds: Cloud[]): Promise<Audit> {
    return new Audit(clouds, await booksOf(clouds));
  }

  async books(): Promise<RunBooks> {
    return new RunBooks(this.#before, await booksOf(this.#clouds), stack.outputs.DeploymentId);
  }

  /** How many instances of each status the clouds have, what leaked, and what is there twice. */
  async verdict(fleetIds: readonly string[]) {
    const claimed = await claimedInstances({ client, namespace }, fleetIds);
    const books = await this.books();
    return {
      running: books.instances().filter(({ status }) => status === 'Running').length,
      leaked: backendIds(books.leaked(claimed)),
      duplicated: backendIds(books.duplicated()),
      remaining: books.remaining(),
    };
  }
}

const backendIds = (instances: readonly BookedInstance[]) => instances.map(({ backendId }) => backendId);

export interface Fault {
  cloud?: string;
  connection?: string;
  location?: string;
  call?: string;
  kind: string;
  probability?: number;
  count?: number;
  delayMs?: number;
}

export async function addFaults(...faults: Fault[]): Promise<void> {
  await control('POST', 'faults', faults);
}

export async function clearFaults(): Promise<void> {
  await control('DELETE', 'faults');
}

/** One call of the simulated clouds' control API. @returns what they answer, if anything */
export async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  return await ask(stack, path, { method, body });
}
