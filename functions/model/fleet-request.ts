import { z } from 'zod';
import { cloudWordSchema, nameSchema } from './identifiers.ts';

export const MAX_INSTANCES_PER_FLEET = 10_000;
export const MAX_GROUPS_PER_FLEET = 100;
/** Distinct (connection, location) pairs of one fleet: bounds the workflow's payload and a fleet's read. */
export const MAX_PLACEMENTS_PER_FLEET = 200;
/** The whole request, as UTF-8 JSON. It is kept in one DynamoDB item, which holds 400 KB at most. */
export const MAX_REQUEST_BYTES = 256 * 1024;
/** What the clouds agree on for user data (AWS's limit), before base64. */
export const MAX_USER_DATA_BYTES = 16 * 1024;

export const FAILURE_POLICIES = ['continue', 'rollback', 'refine'] as const;
export const failurePolicySchema = z.enum(FAILURE_POLICIES);
export type FailurePolicy = z.infer<typeof failurePolicySchema>;

const labelsSchema = z
  .record(z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/), z.string().max(255))
  .refine((labels) => Object.keys(labels).length <= 40, 'at most 40 labels');

const groupShape = {
  connection: nameSchema,
  zone: cloudWordSchema.optional(),
  instanceType: cloudWordSchema,
  image: cloudWordSchema,
  rootDiskGb: z.int().min(1).max(16_384).optional(),
  labels: labelsSchema.optional(),
  userData: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= MAX_USER_DATA_BYTES, `at most ${MAX_USER_DATA_BYTES} bytes`)
    .optional(),
  instanceTimeoutSeconds: z.int().min(60).max(86_400).optional(),
  ssh: z
    .object({ allowFrom: z.union([z.cidrv4(), z.cidrv6()]) })
    .strict()
    .optional(),
};

export const nodeGroupRequestSchema = z
  .object({
    name: nameSchema,
    size: z.int().min(1).max(MAX_INSTANCES_PER_FLEET),
    locations: z.array(cloudWordSchema).min(1).max(MAX_PLACEMENTS_PER_FLEET),
    minimumInstances: z.int().min(0).max(MAX_INSTANCES_PER_FLEET).optional(),
    ...groupShape,
  })
  .strict();
export type NodeGroupRequest = z.infer<typeof nodeGroupRequestSchema>;

/** The body of `POST …/fleets`, and of a fleet.yaml file. */
export const fleetRequestSchema = z
  .object({
    name: nameSchema,
    description: z.string().max(1_000).optional(),
    labels: labelsSchema.optional(),
    failurePolicy: failurePolicySchema.default('continue'),
    minimumInstances: z.int().min(0).max(MAX_INSTANCES_PER_FLEET).optional(),
    nodeGroups: z.array(nodeGroupRequestSchema).min(1).max(MAX_GROUPS_PER_FLEET),
  })
  .strict()
  .superRefine((fleet, context) => {
    const issue = (path: (string | number)[], code: string, message: string) =>
      context.addIssue({ code: 'custom', path, message, params: { code } });
    const firstAt = new Map<string, number>();
    fleet.nodeGroups.forEach((group, at) => {
      const first = firstAt.get(group.name);
      if (first === undefined) firstAt.set(group.name, at);
      else issue(['nodeGroups', at, 'name'], 'duplicate', `nodeGroups/${first} has this name already`);
      if (new Set(group.locations).size < group.locations.length) {
        issue(['nodeGroups', at, 'locations'], 'duplicate', 'a location stands here twice');
      }
      if (group.zone !== undefined && group.locations.length > 1) {
        issue(['nodeGroups', at, 'zone'], 'zone-needs-one-location', 'a zone needs exactly one location');
      }
      if (group.minimumInstances !== undefined && group.minimumInstances > group.size) {
        issue(['nodeGroups', at, 'minimumInstances'], 'too-big', `must be at most the size, ${group.size}`);
      }
    });
    const total = fleet.nodeGroups.reduce((sum, group) => sum + group.size, 0);
    if (total > MAX_INSTANCES_PER_FLEET) {
      issue(['nodeGroups'], 'too-big', `${total} instances; a fleet has at most ${MAX_INSTANCES_PER_FLEET}`);
    }
    if (fleet.minimumInstances !== undefined && fleet.minimumInstances > total) {
      issue(['minimumInstances'], 'too-big', `must be at most the fleet's size, ${total}`);
    }
    const placements = new Set(
      fleet.nodeGroups.flatMap((group) =>
        group.locations.map((location) => `${group.connection}/${location}`),
      ),
    );
    if (placements.size > MAX_PLACEMENTS_PER_FLEET) {
      issue(
        ['nodeGroups'],
        'too-big',
        `${placements.size} pairs of connection and location; a fleet has at most ${MAX_PLACEMENTS_PER_FLEET}`,
      );
    }
  });
export type FleetRequest = z.infer<typeof fleetRequestSchema>;

/** The body of `POST …/instances`: a fleet of one, in one location. */
export const instanceRequestSchema = z
  .object({
    name: nameSchema,
    description: z.string().max(1_000).optional(),
    location: cloudWordSchema,
    ...groupShape,
  })
  .strict();
export type InstanceRequest = z.infer<typeof instanceRequestSchema>;

/** The fleet request that a single instance's request stands for. */
export function fleetOfOne({ name, description, location, ...group }: InstanceRequest): FleetRequest {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    failurePolicy: 'continue',
    nodeGroups: [{ ...group, name, size: 1, locations: [location] }],
  };
}
