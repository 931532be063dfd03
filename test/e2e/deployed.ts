import { inject } from 'vitest';
import { createClient } from '../../client/index.ts';
import { ask } from '../../demo/run/ask-clouds.ts';
import { type BookedInstance, type Books, RunBooks, readBooks } from '../../demo/run/books.ts';
import { claimedInstances } from '../../demo/run/run-fleets.ts';
import type { Cloud } from '../../functions/model/cloud.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { FleetRequest, NodeGroupRequest } from '../../functions/model/fleet-request.ts';
import type { FleetStatus } from '../../functions/model/status.ts';

/** Connection settings of the deployed app and of the simulated clouds. */
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
  if (instanceType === undefined)
    throw new RangeError(`TYPES has no instance type for connection ${connection}`);
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

/** Reads a fleet until `holds` returns true for it. Only the time limit of the test ends the wait. */
export async function fleetWhen(fleetId: string, holds: (fleet: Fleet) => boolean): Promise<Fleet> {
  for (;;) {
    const fleet = await client.getFleet({ params: { namespace, fleet: fleetId } });
    if (holds(fleet)) return fleet;
    await pause(500);
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Reads what these simulated clouds report of their calls and machines. Tests that run at the same time use
 * different clouds.
 */
export async function booksOf(clouds: readonly Cloud[]): Promise<Books> {
  const books = await readBooks(stack);
  const kept = ({ cloud }: { cloud: string }) => clouds.some((one) => one === cloud);
  return { ...books, clouds: books.clouds.filter(kept), accounts: books.accounts.filter(kept) };
}

/** Reads what the simulated clouds did since a test began. */
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

  /**
   * Returns the number of running machines, the ids of leaked and of duplicate machines, and the number of
   * all machines and network resources that are left.
   */
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

/** Calls the control API of the simulated clouds. @returns the body of the answer, if there is one */
export async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  return await ask(stack, path, { method, body });
}
