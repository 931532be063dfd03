import { z } from 'zod';
import type { CloudNetworkResource, NetworkResourceKind } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import { sleepBy } from '../contract/surroundings.ts';
import type { Resource } from './neutron-answers.ts';
import { isOf, tagsOf } from './owner.ts';
import { cloudTimeMs, type Region } from './region.ts';

/** How Neutron calls the resources that are ours. */
export interface OwnedKind<Item extends Resource> {
  kind: NetworkResourceKind;
  /** The collection's name in paths. */
  path: string;
  /** Its key in answers. */
  key: string;
  item: z.ZodType<Item>;
}

/**
 * How old the youngest of those with one name has to be before the oldest is taken for good. Neutron's times are
 * whole seconds, written when a request is taken up and seen when it is done: after this time whatever was made in the
 * same second, or before it, is to be seen by all.
 */
export const SETTLED_AFTER_MS = 3_000;

/** The resources of this deployment with one name, the oldest first, and by how much the youngest is older than now. */
interface Candidates<Item> {
  items: Item[];
  ageMs: number;
}

/**
 * The resource of this deployment with this name, made if there is none. Neutron lets any number have one name: of those
 * that were made in a race, all take the oldest, as soon as none can turn up any more that is older.
 *
 * @param make makes one
 * @param remove removes one's own that has lost the race
 * @returns it, and whether this very call has made it
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
  const message = `the ${kind.kind} ${name} at ${region.name} vanished while it was made`;
  throw new DriverError('OutcomeUnknown', message);
}

/**
 * A step after which there is all or nothing, as far as that can be had: what was made before a step failed is removed.
 * What cannot be removed now is found by its name when the same is asked for again.
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

/** Every one of this deployment, whatever it is called. */
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
    const message = `the ${kind.kind} ${foreign.name} at ${region.name} is not of this deployment`;
    throw new DriverError('Conflict', message);
  }
  const youngestMs = Math.max(...ours.map((one) => Date.parse(one.created_at ?? '') || 0));
  return { items: ours, ageMs: nowMs - youngestMs };
}

/** All with this name in the project, whosever they are, and the time by the cloud's clock. */
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
