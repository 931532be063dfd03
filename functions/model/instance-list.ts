import * as z from 'zod';
import { type FleetRequest, fleetOfOne, instanceRequestShape, machineIssues } from './fleet-request.ts';
import { descriptionSchema, nameSchema } from './identifiers.ts';
import { networkChoiceSchema } from './network-choice.ts';

/** Maximum number of machines in one request. */
export const MAX_LISTED_INSTANCES = 100;

const { name: _single, description: _note, network: _own, ...machineShape } = instanceRequestShape;

/** Alike machines of a list. What the whole list shares (network, description) is a field of the list. */
const listedInstanceSchema = z
  .object({
    name: nameSchema
      .optional()
      .describe(
        'Name of the machine, unique in the list. With `count`, each machine has the name and a number. Absent: the name of the list and a number.',
      ),
    count: z
      .int()
      .min(1)
      .max(MAX_LISTED_INSTANCES)
      .optional()
      .describe('Number of machines that are alike. Absent: one.'),
    ...machineShape,
  })
  .strict();
type ListedInstance = z.infer<typeof listedInstanceSchema>;

/** The body of `POST …/instances` for several machines. They are one fleet, whose alike machines are a node group. */
export const instanceListRequestSchema = z
  .object({
    name: nameSchema
      .optional()
      .describe(
        'Name of the fleet of all machines of the list, unique among live fleets. Absent: it gets one.',
      ),
    description: descriptionSchema.optional(),
    network: networkChoiceSchema
      .optional()
      .describe('The network of all machines. Absent: the default of the connection, or else `shared`.'),
    instances: z
      .array(listedInstanceSchema)
      .min(1)
      .max(MAX_LISTED_INSTANCES)
      .describe('The machines, 100 at most, each `count` included.'),
  })
  .strict()
  .superRefine(
    (body, context) => {
      for (const { path, code, message } of listIssues(body))
        context.addIssue({ code: 'custom', path, message, params: { code } });
    },
    { when: () => true },
  );
export type InstanceListRequest = z.infer<typeof instanceListRequestSchema>;

/** Returns true for a body that asks for a list of machines, valid or not. */
export const isInstanceList = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'instances' in body;

/** The fields that the rules below compare. This schema accepts any value, so that all errors are found together. */
const comparedSchema = z.object({
  instances: z.array(
    z
      .looseObject({
        name: nameSchema.optional().catch(undefined),
        count: z.int().min(1).max(MAX_LISTED_INSTANCES).optional().catch(undefined),
      })
      .or(z.unknown().transform(() => undefined)),
  ),
});
/** An entry of a list; undefined if it is no object. */
type Compared = z.infer<typeof comparedSchema>['instances'][number];

interface ListIssue {
  path: (string | number)[];
  code: string;
  message: string;
}

function listIssues(body: unknown): ListIssue[] {
  const all = comparedSchema.safeParse(body).data?.instances ?? [];
  const instances = all.slice(0, MAX_LISTED_INSTANCES);
  const issues = instances.flatMap((machine, at) =>
    (machine ? machineIssues(machine) : []).map(
      (issue): ListIssue => ({ ...issue, path: ['instances', at, ...issue.path] }),
    ),
  );
  const total = instances.reduce((sum, machine) => sum + (machine?.count ?? 1), 0);
  if (total > MAX_LISTED_INSTANCES) {
    const message = `must have at most ${MAX_LISTED_INSTANCES} machines in total; the request has ${total}`;
    return [...issues, { path: ['instances'], code: 'too-big', message }];
  }
  const firstAt = new Map<string, number>();
  for (const { at, name } of givenNames(instances)) {
    const first = firstAt.get(name);
    if (first === undefined) firstAt.set(name, at);
    else if (issues.every(({ path }) => path[1] !== at || path[2] !== 'name')) {
      const message = `the machine ${name} would have the name of a machine of instances/${first}`;
      issues.push({ path: ['instances', at, 'name'], code: 'duplicate', message });
    }
  }
  return issues;
}

/** A machine of a list: the index of its entry, and its name. */
interface NamedMachine {
  at: number;
  name: string;
}

/** Returns the names that the entries of a list give to machines. */
const givenNames = (instances: readonly Compared[]): NamedMachine[] =>
  instances.flatMap(({ name, count } = {}, at) =>
    name === undefined
      ? []
      : count === undefined
        ? [{ at, name }]
        : Array.from({ length: count }, (_, before) => ({ at, name: numbered(name, before + 1) })),
  );

/** A list of machines as the fleet that it is. */
export interface ListedFleet {
  request: FleetRequest;
  /** Names of the machines in the order of the list. */
  names: string[];
  /** Names of the machines of each node group, in the order of their positions. */
  namesByGroup: string[][];
  /** Indexes in `instances` of the entries of each node group. */
  entriesByGroup: number[][];
}

/**
 * Converts a list of machines into the equivalent fleet request. Machines that differ only in their names become one
 * node group, so that their launches share create calls.
 *
 * @param usualName name of a list without one
 */
export function fleetOfList(
  { instances, name, description, network }: InstanceListRequest,
  usualName: string,
): ListedFleet {
  const fleetName = name ?? usualName;
  const machines = machinesOf(instances, fleetName);
  const groups = [...Map.groupBy(machines, ({ at }) => likenessOf(instances[at])).values()];
  return {
    request: {
      name: fleetName,
      ...(description === undefined ? {} : { description }),
      ...(network === undefined ? {} : { network }),
      failurePolicy: 'continue',
      nodeGroups: groups.flatMap((group) => groupOf(instances, group)),
    },
    names: machines.map((machine) => machine.name),
    namesByGroup: groups.map((group) => group.map((machine) => machine.name)),
    entriesByGroup: groups.map((group) => [...new Set(group.map(({ at }) => at))]),
  };
}

function groupOf(
  instances: readonly ListedInstance[],
  [first, ...others]: readonly NamedMachine[],
): FleetRequest['nodeGroups'] {
  const entry = first && instances[first.at];
  if (!entry) return [];
  const { count: _, ...machine } = entry;
  const { nodeGroups } = fleetOfOne({ ...machine, name: first.name });
  return nodeGroups.map((group) => ({ ...group, size: 1 + others.length }));
}

/** Returns the same text for entries that differ only in name, number, and the order of their fields. */
const likenessOf = ({ name: _name, count: _count, ...machine }: Partial<ListedInstance> = {}): string =>
  JSON.stringify(machine, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** Returns the machines of a list in order. A machine without a name gets the name of the list and a free number. */
function machinesOf(instances: readonly ListedInstance[], listName: string): NamedMachine[] {
  const given = givenNames(instances);
  const taken = new Set(given.map(({ name }) => name));
  let number = 0;
  const next = (): string => {
    do number += 1;
    while (taken.has(numbered(listName, number)));
    return numbered(listName, number);
  };
  return instances.flatMap(({ name, count = 1 }, at) =>
    name === undefined
      ? Array.from({ length: count }, () => ({ at, name: next() }))
      : given.filter((machine) => machine.at === at),
  );
}

/** Maximum length of a name; see `nameSchema`. */
const MAX_NAME = 40;

/** Returns a name with a number. A long name is cut. */
function numbered(name: string, number: number): string {
  const suffix = `-${number}`;
  return `${name.slice(0, MAX_NAME - suffix.length)}${suffix}`;
}
