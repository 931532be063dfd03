import type { Location } from '../../model/cloud.ts';
import type { InventoryFailure } from '../../model/connection.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import { putLocation } from '../../platform/store/write-catalogue.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import type { SyncInventoryMessage } from '../../platform/workflow/messages.ts';
import { allowedLocation, askAgainMs, deniedLocation, type Question } from './denied-locations.ts';

/**
 * Sends the next question about denied locations. A denial may end by itself, for example when the cloud has validated
 * the account, long before the next scheduled sync.
 */
export async function askAgain(
  context: WorkerContext,
  { connectionKey, again }: SyncInventoryMessage,
  denied: readonly string[],
): Promise<void> {
  const questions = again?.questions ?? 0;
  const waitMs = askAgainMs(questions);
  if (denied.length === 0 || waitMs === undefined) return;
  const next = { questions: questions + 1, locations: [...new Set(denied)] };
  await context.send({ kind: 'sync-inventory', connectionKey, again: next }, waitMs);
}

/** Returns the failure to tell if the cloud denies each location. The connection then has no inventory at all. */
export async function lostEverywhere(
  { store }: WorkerContext,
  connectionKey: string,
): Promise<InventoryFailure | undefined> {
  const locations = await allLocations(store, connectionKey);
  if (locations.some(({ available }) => available)) return undefined;
  const [first] = locations.filter(({ unavailable }) => unavailable);
  if (!first?.unavailable) return undefined;
  return { code: 'Forbidden', message: first.unavailable.message, location: first.name };
}

export const questionOf = ({ store, driver }: WorkerContext, { again }: SyncInventoryMessage): Question => ({
  nowMs: store.clock.now(),
  questions: again?.questions ?? 0,
  inventoryPollMinutes: driver.inventoryPollMinutes,
});

/** Marks a location whose offers or images the cloud denies. Its earlier offers stay for the time after the denial. */
export async function noteDenial(
  context: WorkerContext,
  message: SyncInventoryMessage,
  known: Location | undefined,
  denial: { code: string; message: string },
): Promise<void> {
  if (!known) return;
  const denied = deniedLocation(known, denial, questionOf(context, message));
  await putLocation(context.store, message.connectionKey, denied);
}

/** Removes the mark of a denied location whose offers and images were read. */
export async function noteAllowed(
  { store }: WorkerContext,
  { connectionKey }: SyncInventoryMessage,
  known: Location | undefined,
): Promise<void> {
  if (known?.unavailable) await putLocation(store, connectionKey, allowedLocation(known));
}
