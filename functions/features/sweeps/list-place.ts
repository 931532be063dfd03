import {
  type CloudInstance,
  type CloudNetworkResource,
  NETWORK_RESOURCE_KINDS,
} from '../../drivers/contract/driver.ts';
import { permitCalls } from '../../platform/governor/permit-calls.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';

/** Beyond this, the message waits and not the function. */
const PATIENCE_MS = 2_000;

/** What a cloud shows of this deployment at a place. */
export interface PlaceList {
  /** When the first call went out; records are read after the last came back. */
  atMs: number;
  machines: CloudInstance[];
  resources: CloudNetworkResource[];
}

/** @returns the lists, or when to begin anew for want of a permit @throws DriverError when the cloud does not answer */
export async function listPlace(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
): Promise<PlaceList | { waitMs: number }> {
  const { client } = opened;
  const waitMs = await permitted(context, place, opened);
  if (waitMs > 0) return { waitMs };
  const atMs = context.store.clock.now();
  const machines = await client.listInstances(place.location);
  const resources: CloudNetworkResource[] = [];
  for (const kind of NETWORK_RESOURCE_KINDS) {
    const wait = await permitted(context, place, opened);
    if (wait > 0) return { waitMs: wait };
    resources.push(...(await client.listNetworkResources(place.location, kind)));
  }
  return { atMs, machines, resources };
}

/** Takes the permit for one list, sleeping for it when that is cheaper than another message. @returns 0 when it has it */
async function permitted(context: WorkerContext, place: PlaceRef, opened: OpenConnection): Promise<number> {
  for (let sleptMs = 0; ; ) {
    const { granted, retryAfterMs } = await permitCalls(context.store, governed(place, opened), 'list', 1);
    if (granted > 0) return 0;
    const waitMs = Math.max(50, retryAfterMs);
    if (sleptMs + waitMs > PATIENCE_MS) return waitMs;
    await context.store.clock.sleep(waitMs);
    sleptMs += waitMs;
  }
}
