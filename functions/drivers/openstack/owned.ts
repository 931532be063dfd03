import * as z from 'zod';
import type { CloudNetworkResource, NetworkResourceKind } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import { sleepBy } from '../contract/surroundings.ts';
import type { Resource } from './neutron-answers.ts';
import { isOf, tagsOf } from './owner.ts';
import { cloudTimeMs, type Region } from './region.ts';

/** Describes how Neutron's API names one kind of resource. */
export interface OwnedKind<Item extends Resource> {
  kind: NetworkResourceKind;
  /** The collection's name in paths. */
  path: string;
  /** The collection's key in answers. */
  key: string;
  item: z.ZodType<Item>;
}

/**
 * Several resources may have one name. A call uses the oldest of them, but only after the youngest has this age, in ms.
 * Neutron sets the creation time, in whole seconds, when it accepts a request, and shows the resource later. Therefore
 * a resource with an earlier creation time may appear after the youngest. Once the youngest has this age, every call
 * sees all resources that could be the oldest.
 */
export const SETTLED_AFTER_MS = 3_000;

/** The resources of this deployment with one name, the oldest first, and the age of the youngest in ms. */
interface Candidates<Item> {
  items: Item[];
  ageMs: number;
}

/**
 * Returns this deployment's resource of this name, and makes it if it does not exist. Neutron allows several resources
 * with the same name. If concurrent calls made several resources, all calls use the oldest resource. Each call first
 * waits until no older resource can appear.
 *
 * @param make creates a resource
 * @param remove removes the resource that this call made; called if another resource is older
 * @returns the resource, and whether this call made it
 */
export async function ensureOne<Item extends Resource>(
  region: Region,
  kind: OwnedKind<Item>,
  deploymentId: string,
  name: string,
  make: () => Promise<Item>,
  remove: (id: string) => Promise<void>,
): Promise<{ item: Item; isMine: boolean }> {
  let found = await candidates(region, kind, deploymentId, name);
  const made = found.items.length === 0 ? await make() : undefined;
  if (made) found = await candidates(region, kind, deploymentId, name);
  while (found.ageMs < SETTLED_AFTER_MS) {
    await sleepBy(region.clock, SETTLED_AFTER_MS - found.ageMs);
    found = await candidates(region, kind, deploymentId, name);
  }
  const [oldest] = found.items;
  if (made && made.id !== oldest?.id) await remove(made.id);
  if (oldest) return { item: oldest, isMine: oldest.id === made?.id };
  const message = `the ${kind.kind} ${name} in ${region.name} vanished while it was being created`;
  throw new DriverError('OutcomeUnknown', message);
}

/**
 * Runs a step, and undoes earlier steps if this step fails. If undoing fails as well, a repetition of the whole call
 * finds the remaining resources by their name.
 */
export async function orUndo<Answer>(
  step: () => Promise<Answer>,
  undo: () => Promise<void>,
): Promise<Answer> {
  try {
    return await step();
  } catch (error) {
    await undo().catch(() => undefined);
    throw error;
  }
}

export async function findOwned<Item extends Resource>(
  region: Region,
  kind: OwnedKind<Item>,
  deploymentId: string,
  name: string,
): Promise<Item | undefined> {
  return ownedByAge((await named(region, kind, deploymentId, name)).items, deploymentId)[0];
}

/** Lists all resources of one kind of this deployment, renamed resources included. */
export async function listOwned<Item extends Resource>(
  region: Region,
  { kind, path, key, item }: OwnedKind<Item>,
  deploymentId: string,
): Promise<CloudNetworkResource[]> {
  const query = { project_id: await region.projectId() };
  const all = await region.readAll('network', { path: [path], key, item, query });
  return ownedByAge(all, deploymentId).map((one) => ({
    kind,
    backendId: one.id,
    name: parseResourceName(deploymentId, one.name) ?? one.name,
    ...(one.created_at === undefined ? {} : { createdAt: one.created_at }),
  }));
}

async function candidates<Item extends Resource>(
  region: Region,
  kind: OwnedKind<Item>,
  deploymentId: string,
  name: string,
): Promise<Candidates<Item>> {
  const { items, nowMs } = await named(region, kind, deploymentId, name);
  const ours = ownedByAge(items, deploymentId);
  const [foreign] = items;
  if (foreign && ours.length === 0) {
    const message = `the ${kind.kind} ${foreign.name} in ${region.name} does not belong to this deployment`;
    throw new DriverError('Conflict', message);
  }
  const youngestMs = Math.max(...ours.map((one) => Date.parse(one.created_at ?? '') || 0));
  return { items: ours, ageMs: nowMs - youngestMs };
}

/**
 * Lists all resources of this name in the project, including resources outside this deployment. Also returns the
 * current time by the cloud's clock.
 */
async function named<Item extends Resource>(
  region: Region,
  { path, key, item }: OwnedKind<Item>,
  deploymentId: string,
  name: string,
) {
  const { body, headers } = await region.exchange('network', {
    method: 'GET',
    path: [path],
    query: { name: resourceName(deploymentId, name), project_id: await region.projectId() },
    answer: z
      .looseObject({})
      .transform((answer) => answer[key])
      .pipe(z.array(item)),
  });
  return { items: body, nowMs: cloudTimeMs(region, headers) };
}

function ownedByAge<Item extends Resource>(items: readonly Item[], deploymentId: string): Item[] {
  return items
    .filter((one) =>
      isOf(deploymentId, tagsOf(one.description), parseResourceName(deploymentId, one.name) !== undefined),
    )
    .toSorted((one, other) => {
      const byAge = Date.parse(one.created_at ?? '') - Date.parse(other.created_at ?? '');
      return byAge || one.id.localeCompare(other.id);
    });
}
