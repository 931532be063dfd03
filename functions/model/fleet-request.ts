import * as z from 'zod';
import { dataDisksSchema, hasRootDiskTwice, ROOT_DISK_TWICE, rootDiskSchema } from './disk.ts';
import { holdSchema } from './fleet-action.ts';
import { cloudWordSchema, descriptionSchema, nameSchema } from './identifiers.ts';
import { ingressSchema } from './ingress.ts';
import { labelsSchema } from './labels.ts';
import { machineOptionsShape } from './machine-options.ts';
import { marketIssues, marketShape } from './market.ts';
import { networkChoiceSchema } from './network-choice.ts';
import { publicKeysSchema } from './ssh-public-key.ts';
import { bothOldAndNew, type GroupIssue } from './superseded-fields.ts';
import { typeChoiceIssues, typeChoiceShape } from './type-choice.ts';

export const MAX_INSTANCES_PER_FLEET = 10_000;
export const MAX_GROUPS_PER_FLEET = 100;
/**
 * Maximum number of distinct (connection, location) pairs of one fleet. This limits the size of the workflow's payload
 * and the cost of reading a fleet.
 */
export const MAX_PLACEMENTS_PER_FLEET = 200;
/**
 * Maximum number of connections of one fleet. One transaction accepts a fleet and checks each of its connections.
 * DynamoDB allows 100 items in a transaction.
 */
export const MAX_CONNECTIONS_PER_FLEET = 90;
/**
 * Maximum size of a whole request as UTF-8 JSON. The request is stored in one DynamoDB item, which may have at most 400
 * KB.
 */
export const MAX_REQUEST_BYTES = 256 * 1024;
/**
 * Default time in which an instance has to become Running, in seconds. The time begins with the instance's first claim
 * in a round, and covers all attempts of that round together.
 */
export const DEFAULT_INSTANCE_TIMEOUT_SECONDS = 1_200;
/** Maximum time limit that a node group may set for its instances, in seconds. */
export const MAX_INSTANCE_TIMEOUT_SECONDS = 86_400;

export const FAILURE_POLICIES = ['continue', 'rollback', 'refine'] as const;
export const failurePolicySchema = z.enum(FAILURE_POLICIES);
export type FailurePolicy = z.infer<typeof failurePolicySchema>;

/**
 * Priorities of fleets that wait for the same slots. While such launches wait, the launch queue serves four launches at
 * normal priority, or sixteen at high priority, for each launch at low priority.
 */
export const PRIORITIES = ['low', 'normal', 'high'] as const;
export const prioritySchema = z.enum(PRIORITIES);
export type Priority = z.infer<typeof prioritySchema>;

const groupShape = {
  connection: nameSchema.describe(
    'Name of the connection (the credential for a cloud) that the instances use.',
  ),
  ...typeChoiceShape,
  ...marketShape,
  image: cloudWordSchema.describe(
    'Image that the instances boot; see `fleetwright image list`. It must boot on each instance type.',
  ),
  rootDiskGb: z
    .int()
    .min(1)
    .max(16_384)
    .optional()
    .describe('Size of the root disk. `rootDisk` replaces this field, which is refused beside it.'),
  rootDisk: rootDiskSchema.optional().describe('The disk that the machines boot from.'),
  dataDisks: dataDisksSchema.optional().describe('Further disks of each machine.'),
  ...machineOptionsShape,
  instanceTimeoutSeconds: z
    .int()
    .min(60)
    .max(MAX_INSTANCE_TIMEOUT_SECONDS)
    .optional()
    .describe('Time in which an instance has to run, over all its attempts, in seconds. Absent: 1200.'),
  ssh: z
    .object({
      allowFrom: z
        .union([z.cidrv4(), z.cidrv6()], 'must be a CIDR, such as 203.0.113.0/24')
        .optional()
        .describe('Addresses that may connect to TCP port 22. Absent: none.'),
      publicKeys: publicKeysSchema.optional(),
    })
    .strict()
    .optional()
    .describe('Access by SSH. Absent: none, with a key that the deployment makes.'),
  ingress: ingressSchema.optional(),
  publicIp: z
    .boolean()
    .optional()
    .describe(
      'Whether machines have a public IPv4 address. Absent: as the cloud does, which is true for most clouds.',
    ),
};

const networkSchema = networkChoiceSchema
  .optional()
  .describe('The network of the machines. Absent: the default of the connection, or else `shared`.');

export const nodeGroupRequestSchema = z
  .object({
    name: nameSchema.describe('Name of the node group, unique in the fleet.'),
    size: z
      .int()
      .min(1)
      .max(MAX_INSTANCES_PER_FLEET)
      .describe('Number of instances. A fleet may have 10,000 instances in all its node groups together.'),
    locations: z
      .array(cloudWordSchema)
      .min(1)
      .max(MAX_PLACEMENTS_PER_FLEET)
      .describe(
        'Locations (regions of the cloud). Instances are spread evenly, and move to another location if one has no room.',
      ),
    minimumInstances: z
      .int()
      .min(0)
      .max(MAX_INSTANCES_PER_FLEET)
      .optional()
      .describe('The fleet has failed when fewer instances of the node group can run.'),
    ...groupShape,
  })
  .strict();
export type NodeGroupRequest = z.infer<typeof nodeGroupRequestSchema>;

/** Finds errors that concern several fields of the machine of one node group. Pure. */
export function machineIssues(group: Readonly<Record<string, unknown>>): GroupIssue[] {
  const { field, code, message } = ROOT_DISK_TWICE;
  const twice = hasRootDiskTwice(group) ? [{ path: [field], code, message }] : [];
  return [...twice, ...bothOldAndNew(group), ...typeChoiceIssues(group), ...marketIssues(group)];
}

const anyObject = z.record(z.string(), z.unknown());

/**
 * The fields that the rules below compare with each other. This schema accepts any value in these fields, so that a
 * request with errors in single fields is also checked against these rules.
 */
const relatedFieldsSchema = z.object({
  minimumInstances: z.number().optional().catch(undefined),
  nodeGroups: z
    .array(
      z.object({
        name: z.string().optional().catch(undefined),
        size: z.number().positive().optional().catch(undefined),
        connection: z.string().optional().catch(undefined),
        locations: z.array(z.string()).catch([]),
        zone: z.string().optional().catch(undefined),
        minimumInstances: z.number().optional().catch(undefined),
      }),
    )
    .max(MAX_GROUPS_PER_FLEET),
});

/** The body of `POST …/fleets`, and the content of a fleet.yaml file. */
export const fleetRequestSchema = z
  .object({
    name: nameSchema.describe('Name of the fleet, unique among the live fleets of the namespace.'),
    description: descriptionSchema.optional().describe('A note for people.'),
    labels: labelsSchema
      .optional()
      .describe('Labels of the fleet. Its machines get them, too, as far as their cloud keeps tags.'),
    failurePolicy: failurePolicySchema
      .default('continue')
      .describe(
        'What happens when the fleet fails. `continue` keeps what runs, `rollback` removes everything, `refine` removes what failed.',
      ),
    minimumInstances: z
      .int()
      .min(0)
      .max(MAX_INSTANCES_PER_FLEET)
      .optional()
      .describe('The fleet has failed when fewer instances can run. Absent: when one instance has failed.'),
    priority: prioritySchema
      .optional()
      .describe('Priority over other fleets that wait for the same slots. Absent: normal.'),
    hold: holdSchema
      .optional()
      .describe('The fleet is accepted, and its launches begin when a user releases it.'),
    network: networkSchema,
    nodeGroups: z
      .array(nodeGroupRequestSchema)
      .min(1)
      .max(MAX_GROUPS_PER_FLEET)
      .describe('The parts of the fleet. The instances of one node group are alike.'),
  })
  .strict()
  .superRefine(
    (body, context) => {
      const fleet = relatedFieldsSchema.safeParse(body).data;
      if (!fleet) return;
      const issue = (path: (string | number)[], code: string, message: string) =>
        context.addIssue({ code: 'custom', path, message, params: { code } });
      const groups =
        z.object({ nodeGroups: z.array(anyObject.catch({})) }).safeParse(body).data?.nodeGroups ?? [];
      groups.forEach((group, at) => {
        for (const { path, code, message } of machineIssues(group)) {
          issue(['nodeGroups', at, ...path], code, message);
        }
      });
      const firstAt = new Map<string, number>();
      fleet.nodeGroups.forEach(({ name, size, locations, zone, minimumInstances }, at) => {
        const first = name === undefined ? undefined : firstAt.get(name);
        if (first !== undefined) {
          issue(['nodeGroups', at, 'name'], 'duplicate', `must differ from the name of nodeGroups/${first}`);
        } else if (name !== undefined) firstAt.set(name, at);
        if (new Set(locations).size < locations.length) {
          issue(['nodeGroups', at, 'locations'], 'duplicate', 'must name each location only once');
        }
        if (zone !== undefined && locations.length > 1) {
          issue(
            ['nodeGroups', at, 'zone'],
            'zone-needs-one-location',
            'must be left out, or the node group must have exactly one location',
          );
        }
        if (minimumInstances !== undefined && size !== undefined && minimumInstances > size) {
          issue(
            ['nodeGroups', at, 'minimumInstances'],
            'too-big',
            `must be at most the size of the node group, which is ${size}`,
          );
        }
      });
      const total = fleet.nodeGroups.reduce((sum, { size }) => sum + (size ?? 0), 0);
      if (total > MAX_INSTANCES_PER_FLEET) {
        issue(
          ['nodeGroups'],
          'too-big',
          `must have at most ${MAX_INSTANCES_PER_FLEET} instances in total; the request has ${total}`,
        );
      }
      const known = fleet.nodeGroups.every(({ size }) => size !== undefined);
      if (known && fleet.minimumInstances !== undefined && fleet.minimumInstances > total) {
        issue(['minimumInstances'], 'too-big', `must be at most the size of the fleet, which is ${total}`);
      }
      const connections = new Set(fleet.nodeGroups.map(({ connection }) => connection));
      if (connections.size > MAX_CONNECTIONS_PER_FLEET) {
        issue(
          ['nodeGroups'],
          'too-big',
          `must name at most ${MAX_CONNECTIONS_PER_FLEET} connections; the request names ${connections.size}`,
        );
      }
      const sites = new Set(
        fleet.nodeGroups.flatMap(({ connection, locations }) =>
          locations.map((location) => `${connection}/${location}`),
        ),
      );
      if (sites.size > MAX_PLACEMENTS_PER_FLEET) {
        issue(
          ['nodeGroups'],
          'too-big',
          `must name at most ${MAX_PLACEMENTS_PER_FLEET} pairs of connection and location; the request names ${sites.size}`,
        );
      }
    },
    { when: () => true },
  );
export type FleetRequest = z.infer<typeof fleetRequestSchema>;

export const instanceRequestShape = {
  name: nameSchema,
  description: descriptionSchema.optional(),
  location: cloudWordSchema,
  network: networkSchema,
  ...groupShape,
};

/** The body of `POST …/instances` for one machine: a fleet of one instance, in one location. */
export const instanceRequestSchema = z
  .object(instanceRequestShape)
  .strict()
  .superRefine(
    (body, context) => {
      for (const { path, code, message } of machineIssues(anyObject.catch({}).parse(body))) {
        context.addIssue({ code: 'custom', path, message, params: { code } });
      }
    },
    { when: () => true },
  );
export type InstanceRequest = z.infer<typeof instanceRequestSchema>;

/** Converts a request for one instance into the equivalent fleet request. */
export function fleetOfOne({
  name,
  description,
  location,
  network,
  ...group
}: InstanceRequest): FleetRequest {
  // A type error here means that the request for one instance has a field that a node group does not have.
  group satisfies { [Field in keyof typeof group]: Field extends keyof NodeGroupRequest ? unknown : never };
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(network === undefined ? {} : { network }),
    failurePolicy: 'continue',
    nodeGroups: [{ ...group, name, size: 1, locations: [location] }],
  };
}
