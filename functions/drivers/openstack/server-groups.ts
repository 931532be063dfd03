import * as z from 'zod';
import type { WriterMark } from '../contract/capabilities.ts';
import { DriverError } from '../contract/errors.ts';
import { namePrefix } from '../contract/names.ts';
import type { Region } from './region.ts';

type Nova = Pick<Region, 'call' | 'remove'>;

/** The size of the pages that the driver asks for. Nova's own limit is 1000, and an operator may set a lower one. */
const PAGE_SIZE = 500;
const MAX_STARTS = 3;
const LIST = 'nova:GET /os-server-groups';
/** Nova requires a policy. The policy has no effect, because the group stays empty. */
const POLICY = 'soft-anti-affinity';

const groupSchema = z.object({ id: z.string(), name: z.string() });
const groupsSchema = z.object({ server_groups: z.array(groupSchema) });
type Group = z.infer<typeof groupSchema>;

/**
 * Lists the writer marks. A mark tells that a deployment uses the project. The mark is an empty server group of Nova,
 * and the group's name contains all data of the mark. A group is free of charge, and every member of a project may
 * create, list and delete it. A group cannot be renamed. To renew a mark, the driver creates a new group and deletes
 * the earlier one.
 */
export async function listMarks(region: Nova, deploymentId: string): Promise<WriterMark[]> {
  const marks = (await readGroups(region)).flatMap((group) => markOf(deploymentId, group) ?? []);
  const latest = new Map<string, WriterMark>();
  for (const mark of marks.toSorted((one, other) => one.renewedAtMs - other.renewedAtMs))
    latest.set(mark.writerId, mark);
  return [...latest.values()];
}

export async function putMark(region: Nova, deploymentId: string, mark: WriterMark): Promise<void> {
  const earlier = (await readGroups(region)).filter(
    (group) => markOf(deploymentId, group)?.writerId === mark.writerId,
  );
  const name = nameOf(deploymentId, mark);
  if (!earlier.some((group) => group.name === name)) {
    await region.call('compute', {
      method: 'POST',
      path: ['os-server-groups'],
      body: { server_group: { name, policy: POLICY } },
      answer: z.object({ server_group: groupSchema }),
    });
  }
  await removeAll(
    region,
    earlier.filter((group) => group.name !== name),
  );
}

export async function removeMark(region: Nova, deploymentId: string, writerId: string): Promise<void> {
  const groups = await readGroups(region);
  await removeAll(
    region,
    groups.filter((group) => markOf(deploymentId, group)?.writerId === writerId),
  );
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Returns the id of a user's server group. Nova accepts only ids.
 *
 * @param group the group's name, or its id, which needs no call
 * @throws DriverError InvalidRequest if the project has no such group, or several
 */
export async function serverGroupId(region: Nova, group: string): Promise<string> {
  if (UUID.test(group)) return group;
  const [found, ...others] = (await readGroups(region)).filter(({ name }) => name === group);
  if (found && others.length === 0) return found.id;
  const message = found
    ? `the project has ${others.length + 1} server groups ${group}: name one by its id`
    : `the project has no server group ${group}`;
  throw new DriverError('InvalidRequest', message);
}

async function removeAll(region: Nova, groups: readonly Group[]): Promise<void> {
  for (const { id } of groups) await region.remove('compute', ['os-server-groups', id]);
}

/**
 * Reads the groups to the last page. If a group is removed between two pages, the list is read again from the start.
 *
 * @throws DriverError Unavailable if this happens in each of MAX_STARTS attempts
 */
async function readGroups(region: Nova): Promise<Group[]> {
  for (let starts = 1; starts <= MAX_STARTS; starts += 1) {
    const groups = await readPages(region);
    if (groups) return groups;
  }
  throw new DriverError('Unavailable', `${LIST}: the list changed while it was being read`, { call: LIST });
}

/**
 * Reads the groups once. Nova selects a page of groups by an offset, and links no next page. A short page is not the
 * last one: an operator may allow fewer groups on a page than the driver asks for. Therefore each page begins with the
 * last group of the page before, and the last page contains only that group. Returns undefined if a page begins with
 * another group: then groups have moved, and the pages may lack some.
 */
async function readPages(region: Nova): Promise<Group[] | undefined> {
  const groups = await readPage(region, 0);
  for (;;) {
    const last = groups.at(-1);
    if (last === undefined) return groups;
    const [first, ...others] = await readPage(region, groups.length - 1);
    if (first?.id !== last.id) return undefined;
    if (others.length === 0) return groups;
    groups.push(...others);
  }
}

async function readPage(region: Nova, offset: number): Promise<Group[]> {
  const { server_groups } = await region.call('compute', {
    method: 'GET',
    path: ['os-server-groups'],
    query: { limit: String(PAGE_SIZE), offset: String(offset) },
    answer: groupsSchema,
  });
  return server_groups;
}

function nameOf(deploymentId: string, { writerId, sinceMs, renewedAtMs }: WriterMark): string {
  return `${namePrefix(deploymentId)}writer.${writerId}.${sinceMs}.${renewedAtMs}`;
}

function markOf(deploymentId: string, { name }: Group): WriterMark | undefined {
  const prefix = `${namePrefix(deploymentId)}writer.`;
  if (!name.startsWith(prefix)) return undefined;
  const match = /^([a-z0-9-]{1,64})\.(\d{1,16})\.(\d{1,16})$/.exec(name.slice(prefix.length));
  const [, writerId, sinceMs, renewedAtMs] = match ?? [];
  if (writerId === undefined) return undefined;
  return { writerId, sinceMs: Number(sinceMs), renewedAtMs: Number(renewedAtMs) };
}
