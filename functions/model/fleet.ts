import * as z from 'zod';
import { cloudSchema } from './cloud.ts';
import { driverNameSchema } from './connection.ts';
import { fieldErrorSchema } from './field-error.ts';
import { fleetActionSchema } from './fleet-action.ts';
import { failurePolicySchema, nodeGroupRequestSchema, prioritySchema } from './fleet-request.ts';
import { cloudWordSchema, fleetIdSchema, instanceIdSchema, nameSchema } from './identifiers.ts';
import { labelsSchema } from './labels.ts';
import { marketSchema } from './market.ts';
import { networkChoiceSchema, networkModeSchema, siteNetworkSchema } from './network-choice.ts';
import { fleetStatusSchema, type InstanceStatus, instanceStatusSchema } from './status.ts';
import { stuckSchema, waitingSchema } from './stuck.ts';
import { warningSchema, warningsSchema } from './warning.ts';

const countSchema = z.int().nonnegative();
const absentIsZero = countSchema.exactOptional();

/** Number of instances in each status, and number of requested instances. An absent status means 0. */
export const countsSchema = z.object({
  requested: countSchema,
  Planned: absentIsZero,
  Creating: absentIsZero,
  Running: absentIsZero,
  Suspending: absentIsZero,
  Suspended: absentIsZero,
  Resuming: absentIsZero,
  Rebooting: absentIsZero,
  Terminating: absentIsZero,
  Terminated: absentIsZero,
  Failed: absentIsZero,
  Undefined: absentIsZero,
} satisfies Record<InstanceStatus | 'requested', z.ZodType>);
export type Counts = z.infer<typeof countsSchema>;

export const failureSummarySchema = z.object({
  code: z.string(),
  count: z.int().positive(),
  example: z.string(),
});

/** A fleet as users see it. */
export const fleetSchema = z.object({
  id: fleetIdSchema,
  name: nameSchema,
  namespace: nameSchema,
  description: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  status: fleetStatusSchema,
  failurePolicy: failurePolicySchema,
  minimumInstances: z.int().nonnegative().optional(),
  counts: countsSchema,
  network: networkChoiceSchema
    .optional()
    .describe('The network that the request asked for. Absent: the request said nothing.'),
  byLocation: z.array(
    z.object({
      cloud: cloudSchema,
      connection: nameSchema,
      location: cloudWordSchema,
      counts: countsSchema,
      network: z
        .object({ mode: networkModeSchema, networkId: z.string().optional() })
        .optional()
        .describe('The network that the fleet uses here. `networkId`: the network that the user has given.'),
    }),
  ),
  progress: z
    .number()
    .min(0)
    .max(1)
    .describe('Share of the requested instances that are Running or have failed, from 0 to 1.'),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  runningAt: z.iso.datetime().optional().describe('Time at which provisioning ended.'),
  terminatedAt: z.iso.datetime().optional(),
  usdPerHour: z
    .number()
    .nonnegative()
    .describe(
      'Price per hour of the instances that run now, with their public IPv4 addresses and the disks that the request names, where the price of these is known. Leaves out the instances whose price is not known (`unpricedInstances`).',
    ),
  unpricedInstances: countSchema
    .optional()
    .describe('Number of instances that cost money now and whose price is not known.'),
  unpricedDisks: countSchema
    .optional()
    .describe(
      'Number of disks that the request names, of instances that cost money now, whose price is not known. `usdPerHour` and `costUsd` leave them out.',
    ),
  uncostedInstances: countSchema
    .optional()
    .describe(
      'Number of instances that cost money now or did so before, and whose price is not known. `costUsd` leaves them out.',
    ),
  costUsd: z
    .number()
    .nonnegative()
    .describe('Cost of the instances so far, at the prices that applied when the fleet was requested.'),
  sshKeyParameter: z
    .string()
    .optional()
    .describe('Name and version of the secret that holds the private key.'),
  failures: z.array(failureSummarySchema),
  errors: z
    .array(fieldErrorSchema)
    .optional()
    .describe(
      'Fields of the request that are wrong, as the clouds told it. Nothing was made where they matter.',
    ),
  waiting: z
    .array(waitingSchema)
    .optional()
    .describe(
      'Why the fleet makes no progress, at most 20 reasons. Empty: nothing is known to stop it. Absent in lists of fleets.',
    ),
  shortfall: countSchema
    .optional()
    .describe('Number of requested instances that do not run. Absent until launching has ended.'),
  stopped: z
    .array(instanceIdSchema)
    .optional()
    .describe(
      'Ids of stopped instances, at most 5. Instances at positions above 1,000 are left out. Absent if none is known to be stopped, and in lists of fleets.',
    ),
  heldUntil: z.iso
    .datetime()
    .optional()
    .describe('Time at which a held fleet is withdrawn, unless a user releases it earlier.'),
  allowedActions: z.array(fleetActionSchema).describe('The actions that the fleet allows now.'),
  warnings: warningsSchema.optional(),
});
export type Fleet = z.infer<typeof fleetSchema>;

export const instanceSchema = z.object({
  id: instanceIdSchema,
  fleetId: fleetIdSchema,
  name: nameSchema
    .optional()
    .describe(
      'Name of the machine. Absent if the request names no machines: for instances of `POST …/fleets`.',
    ),
  nodeGroup: nameSchema,
  cloud: cloudSchema,
  connection: nameSchema,
  location: cloudWordSchema,
  zone: cloudWordSchema.optional(),
  status: instanceStatusSchema,
  target: z.enum(['Running', 'Terminated']),
  instanceType: cloudWordSchema,
  market: marketSchema.describe(
    'The market of the machine, or of the next attempt: on-demand, spot (the cloud may take it back), or reserved.',
  ),
  image: cloudWordSchema,
  labels: z
    .record(z.string(), z.string())
    .describe('Labels of the fleet and of the node group. A label of the node group wins.'),
  publicIp: z.string().optional(),
  privateIp: z.string().optional(),
  ipv6: z.string().optional().describe('IPv6 address, where the network gives one.'),
  sshUser: z.string().optional().describe('The user that signs in by SSH. Absent: not known for the image.'),
  launchedAt: z.iso.datetime().optional(),
  runningAt: z.iso.datetime().optional(),
  terminatedAt: z.iso.datetime().optional(),
  backendId: z.string().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  trouble: z
    .object({ cloudStatus: z.string(), message: z.string().optional() })
    .optional()
    .describe(
      "Present for an instance that ran and is now Undefined: the status that the cloud reports, and the cloud's reason for it.",
    ),
  waiting: z
    .array(waitingSchema)
    .optional()
    .describe('Why the instance makes no progress. Absent in lists, and for an instance at rest.'),
  stuck: stuckSchema
    .optional()
    .describe('Present while the cloud refuses, or does not carry out, the removal of the machine.'),
  warnings: warningsSchema.optional(),
});
export type Instance = z.infer<typeof instanceSchema>;

/** What the catalogue says about one instance type of a node group. */
export const groupTypeSchema = z.object({
  name: cloudWordSchema,
  /** vCPUs of one instance. `gpus` and `memoryGb` are per instance, too. */
  vcpus: z.number().nonnegative(),
  gpus: z.int().nonnegative(),
  memoryGb: z.number().nonnegative(),
  /** Prices by location. A location is absent if the cloud reports no price there. */
  pricesUsdPerHour: z.record(z.string(), z.number().nonnegative()),
  /** Spot prices by location. A location is absent if the cloud does not offer the type as spot there. */
  spotPricesUsdPerHour: z.record(z.string(), z.number().nonnegative()).exactOptional(),
  /** The locations that do not offer the type. Absent: all locations of the node group offer it. */
  notOfferedIn: z.array(cloudWordSchema).exactOptional(),
});
export type GroupType = z.infer<typeof groupTypeSchema>;

/** A requested node group, with the data that the catalogue contained for it when the fleet was accepted. */
export const nodeGroupSchema = nodeGroupRequestSchema.extend({
  driver: driverNameSchema,
  cloud: cloudSchema,
  /** The namespace that shares the connection with the fleet's namespace. Absent: the connection is of the fleet's own. */
  sharedBy: nameSchema.exactOptional(),
  /** The instance type, or the first of `instanceTypes`. The fields below are about this type. */
  instanceType: cloudWordSchema,
  /** All instance types in the order of trial. Absent: `instanceType` is the only one. */
  types: z.array(groupTypeSchema).min(1).exactOptional(),
  /** The group's `zones` by location. Absent: the request has no `zones`. */
  zonesIn: z.record(z.string(), z.array(cloudWordSchema).min(1)).exactOptional(),
  /** Names of the machines, in the order of their positions, if the request names machines. */
  machineNames: z.array(nameSchema).exactOptional(),
  /** True if the request names the image by the cloud's own id, which only the cloud can check. */
  imageIsGiven: z.boolean().exactOptional(),
  /** Image ids by location. */
  imageBackendIds: z.record(z.string(), z.string()),
  /** Prices by location. A location is absent if the cloud reports no price there. */
  pricesUsdPerHour: z.record(z.string(), z.number().nonnegative()),
  /** Spot prices by location. A location is absent if the cloud does not offer the type as spot there. */
  spotPricesUsdPerHour: z.record(z.string(), z.number().nonnegative()).exactOptional(),
  /** Price of the public IPv4 address of one machine. Absent: it has none, or its price is not known. */
  publicIpUsdPerHour: z.number().nonnegative().exactOptional(),
  /** Price of the disks of one machine, in fleets accepted before `disksPrices` existed. */
  disksUsdPerHour: z.number().nonnegative().exactOptional(),
  /**
   * By location, what the disks of one machine cost that the request names: the price of those whose price is known, and
   * the number of the others. Absent: the request names no disks.
   */
  disksPrices: z
    .record(z.string(), z.object({ usdPerHour: z.number().nonnegative(), unpriced: z.int().nonnegative() }))
    .exactOptional(),
  /** vCPUs of one instance. Absent in fleets accepted before this field existed. */
  vcpus: z.number().positive().exactOptional(),
  gpus: z.int().nonnegative().exactOptional(),
  memoryGb: z.number().positive().exactOptional(),
});
export type NodeGroup = z.infer<typeof nodeGroupSchema>;

/** The fleet as it was requested. It is written once and never changes. */
export const fleetSpecSchema = z.object({
  fleetId: fleetIdSchema,
  namespace: nameSchema,
  name: nameSchema,
  priority: prioritySchema.exactOptional(),
  /** Labels of the fleet, which its machines get as tags. */
  labels: labelsSchema.exactOptional(),
  nodeGroups: z.array(nodeGroupSchema),
  /** What the answer to the request says about it. Absent: nothing. */
  warnings: z.array(warningSchema).exactOptional(),
  networks: z
    .array(z.object({ connection: nameSchema, location: cloudWordSchema, network: siteNetworkSchema }))
    .exactOptional()
    .describe('The network of each site. A site that is not listed has network resources of its own.'),
});
export type FleetSpec = z.infer<typeof fleetSpecSchema>;
