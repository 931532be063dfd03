import { z } from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import { driverNameSchema, inventoryFailureSchema } from '../../model/connection.ts';
import { cloudWordSchema, fleetIdSchema } from '../../model/identifiers.ts';
import { sweepIdSchema } from '../../model/orphan.ts';
import { fleetStatusSchema } from '../../model/status.ts';

/** Site of the cloud calls that a message causes. */
const siteShape = { connectionKey: z.string(), location: cloudWordSchema };
const placementShape = { fleetId: fleetIdSchema, taskToken: z.string(), ...siteShape };

/**
 * Launches one instance, and completes the task when the instance runs. Sent by the Map over instances of
 * `provision-location`.
 */
export const launchMessageSchema = z.object({
  kind: z.literal('launch'),
  ...placementShape,
  index: z.int().nonnegative(),
  round: z.int().positive(),
  waitedFor: z
    .number()
    .exactOptional()
    .describe(
      'The `claimUntilMs` or `unknownSinceMs` that the record had when the launch was requeued. If the record still has it, the worker looks up the machine.',
    ),
  claimSeen: z
    .object({ claimUntilMs: z.number(), sinceMs: z.number() })
    .exactOptional()
    .describe(
      "The claim that an earlier delivery of this launch made, and the time of that delivery by the queue's clock.",
    ),
  waitsSinceMs: z.number().exactOptional().describe('Time at which this launch was first queued.'),
});

/**
 * Gives up a launch whose task was not completed in time; sent by `provision-location`. The worker looks up the machine
 * of the launch token, removes the machine, closes the record as Failed with `code` and completes the task. If the
 * launch has ended in the meantime, the worker only completes the task with its outcome.
 */
export const giveUpMessageSchema = z.object({
  kind: z.literal('give-up'),
  ...placementShape,
  index: z.int().nonnegative(),
  round: z.int().positive(),
  code: z.string().min(1).describe('Name of the error that ended the wait, such as States.Timeout.'),
});

/**
 * Creates the network, the security groups and the key pair of a fleet at a site. Sent by `provision-fleet`, once for
 * each location.
 */
export const prepareNetworksMessageSchema = z.object({
  kind: z.literal('prepare-networks'),
  ...placementShape,
});

/**
 * Scope of a `terminate-fleet`: the whole fleet, or only failed instances and the resources that only they
 * needed.
 */
export const removalScopeSchema = z.enum(['fleet', 'failed']);
export type RemovalScope = z.infer<typeof removalScopeSchema>;

/**
 * Removes the instances whose first placement is this site, even if they have moved to another site. The task is
 * completed when none of these instances exists. Sent by `terminate-fleet`.
 */
export const terminateMessageSchema = z.object({
  kind: z.literal('terminate'),
  ...placementShape,
  scope: removalScopeSchema,
});

/**
 * Removes network resources in two rounds: `access` removes key pairs and security groups, `network` the networks. Sent
 * by `terminate-fleet`.
 */
export const removeNetworksMessageSchema = z.object({
  kind: z.literal('remove-networks'),
  ...placementShape,
  scope: removalScopeSchema,
  round: z.enum(['access', 'network']),
});

/** Polls a site. A poll whose generation is not the current one is dropped. */
export const pollMessageSchema = z.object({
  kind: z.literal('poll'),
  ...siteShape,
  generation: z.int().nonnegative(),
  fast: z
    .literal(true)
    .exactOptional()
    .describe(
      'True for a fast poll, which runs between two polls of the loop. Fast polls have their own generations.',
    ),
});

export const verifyMessageSchema = z.object({
  kind: z.literal('verify'),
  connectionKey: z.string(),
  rotation: z
    .int()
    .positive()
    .exactOptional()
    .describe('Version of the secret to verify and put in force. Absent: the version in force.'),
  sync: z
    .boolean()
    .exactOptional()
    .describe('False: the inventory is recent enough and is not read after the verification.'),
});
export const leaveAccountMessageSchema = z.object({
  kind: z.literal('leave-account'),
  connectionKey: z.string(),
  deletionId: z.string(),
});
export const reviewFleetMessageSchema = z.object({
  kind: z.literal('review-fleet'),
  fleetId: fleetIdSchema,
});
export const syncInventoryMessageSchema = z.object({
  kind: z.literal('sync-inventory'),
  connectionKey: z.string(),
  left: z
    .array(cloudWordSchema)
    .min(1)
    .exactOptional()
    .describe(
      'Locations that the earlier messages of this sync have not read. Absent: this message begins the sync.',
    ),
  failures: z.array(inventoryFailureSchema).exactOptional().describe('What the sync could not read so far.'),
});

const sweepShape = {
  connectionKey: z.string(),
  sweepId: sweepIdSchema
    .optional()
    .describe(
      'Id of the requested sweep, in whose record the findings are written. Absent: a scheduled sweep.',
    ),
  dryRun: z.boolean(),
};
/** Sends a `sweep` for each site of a connection. */
export const sweepConnectionMessageSchema = z.object({ kind: z.literal('sweep-connection'), ...sweepShape });

/** Sweeps a site: compares the records with the resources of this deployment that the cloud shows there. */
export const sweepMessageSchema = z.object({
  kind: z.literal('sweep'),
  ...sweepShape,
  location: cloudWordSchema,
  round: z
    .int()
    .nonnegative()
    .default(0)
    .describe(
      'Number of sweeps that led to this one. A sweep that requests removals sends a further sweep, which checks them. 0: the first sweep.',
    ),
});

/** All messages of a driver's queue. */
export const driverMessageSchema = z.discriminatedUnion('kind', [
  launchMessageSchema,
  giveUpMessageSchema,
  prepareNetworksMessageSchema,
  terminateMessageSchema,
  removeNetworksMessageSchema,
  pollMessageSchema,
  verifyMessageSchema,
  leaveAccountMessageSchema,
  reviewFleetMessageSchema,
  syncInventoryMessageSchema,
  sweepConnectionMessageSchema,
  sweepMessageSchema,
]);
export type DriverMessage = z.infer<typeof driverMessageSchema>;
export type LaunchMessage = z.infer<typeof launchMessageSchema>;
export type GiveUpMessage = z.infer<typeof giveUpMessageSchema>;
export type PrepareNetworksMessage = z.infer<typeof prepareNetworksMessageSchema>;
export type TerminateMessage = z.infer<typeof terminateMessageSchema>;
export type RemoveNetworksMessage = z.infer<typeof removeNetworksMessageSchema>;
export type PollMessage = z.infer<typeof pollMessageSchema>;
export type LeaveAccountMessage = z.infer<typeof leaveAccountMessageSchema>;
export type VerifyMessage = z.infer<typeof verifyMessageSchema>;
export type SweepConnectionMessage = z.infer<typeof sweepConnectionMessageSchema>;
export type SweepMessage = z.infer<typeof sweepMessageSchema>;
export type SyncInventoryMessage = z.infer<typeof syncInventoryMessageSchema>;

/** Outcome with which the task of a launch or a give-up is completed. The instance's record has the same outcome. */
export const launchAnswerSchema = z.object({ outcome: z.enum(['Running', 'Failed', 'Cancelled']) });
export type LaunchAnswer = z.infer<typeof launchAnswerSchema>;

/**
 * Error name of a PrepareNetworks task if launching has stopped at the site. `provision-fleet` then skips the site.
 * Neither workflow retries after this name, or after the driver error codes that it lists. After any other name, it
 * sends the message again.
 */
export const LAUNCH_ABANDONED = 'LaunchAbandoned';

export const fleetInputSchema = z.object({ fleetId: fleetIdSchema });

/**
 * Input of `provision-fleet` and of Assign. `execution` is the number in the fleet's item when the execution was
 * started. After a later execution has replaced it, an execution changes nothing more.
 */
export const provisionInputSchema = fleetInputSchema.extend({ execution: z.int().positive() });
export type ProvisionInput = z.infer<typeof provisionInputSchema>;

/** Input of `terminate-fleet`, of BeginTermination and of FinishTermination. */
export const removalInputSchema = provisionInputSchema.extend({ scope: removalScopeSchema });
export type RemovalInput = z.infer<typeof removalInputSchema>;

/** Input of Settle. */
export const settleInputSchema = provisionInputSchema.extend({
  interruptedBy: z
    .string()
    .optional()
    .describe('Name of the error that ended the work early, if there was one.'),
});
/** Answer of Settle: the fleet's status, and the input of the `terminate-fleet` that its failure policy requires. */
export const settleAnswerSchema = z.object({
  status: fleetStatusSchema,
  removal: removalInputSchema.exactOptional(),
});
export type SettleAnswer = z.infer<typeof settleAnswerSchema>;

/** Answer of FinishTermination. `done`: true if nothing that was to be removed is left. */
export const finishAnswerSchema = z.object({ status: fleetStatusSchema, done: z.boolean() });
export type FinishAnswer = z.infer<typeof finishAnswerSchema>;

/**
 * Maximum number of instances of a child execution. The history of the child execution stays far below the limit of
 * 25,000 events, even with many retries.
 */
export const INSTANCES_PER_CHILD_EXECUTION = 1_000;
/** AWS runs at most this many iterations of an inline Map concurrently. */
export const MAX_INLINE_MAP = 40;

/** One site's share of the work, in the answer of the state Assign. */
export const siteWorkSchema = z.object({
  connectionKey: z.string(),
  location: cloudWordSchema,
  queueUrl: z.url(),
  first: z.int().nonnegative(),
  count: z.int().positive(),
  round: z.int().positive(),
  concurrentInstances: z.int().min(1).describe('Maximum number of launches under way at the same time.'),
  perChild: z
    .int()
    .min(1)
    .max(INSTANCES_PER_CHILD_EXECUTION)
    .describe('Maximum number of positions of one child execution.'),
  timeoutSeconds: z.int().positive(),
});
export type SiteWork = z.infer<typeof siteWorkSchema>;

/** Answer of the state Assign: one entry for each pair of cloud and connection. */
export const assignmentSchema = z.object({
  fleetId: fleetIdSchema,
  execution: z.int().positive(),
  clouds: z.array(
    z.object({
      cloud: cloudSchema,
      driver: driverNameSchema,
      connectionKey: z.string(),
      concurrentLocations: z.int().min(1).max(MAX_INLINE_MAP),
      sites: z.array(siteWorkSchema),
    }),
  ),
});
export type Assignment = z.infer<typeof assignmentSchema>;

/**
 * Answer of BeginTermination. It has the form of an assignment, with only the sites where something may have to be
 * removed.
 */
export const terminationSitesSchema = z.object({
  fleetId: fleetIdSchema,
  scope: removalScopeSchema,
  clouds: z.array(
    assignmentSchema.shape.clouds.element.extend({
      sites: z.array(siteWorkSchema.pick({ connectionKey: true, location: true, queueUrl: true })),
    }),
  ),
});
export type TerminationSites = z.infer<typeof terminationSitesSchema>;

/** Input of `provision-location`, made by `provision-fleet`: at most 1,000 instances. */
export const provisionLocationInputSchema = z.object({
  fleetId: fleetIdSchema,
  connectionKey: z.string(),
  location: cloudWordSchema,
  queueUrl: z.url(),
  first: z.int().nonnegative(),
  last: z.int().nonnegative(),
  round: z.int().positive(),
  concurrentInstances: z.int().min(1).max(MAX_INLINE_MAP),
  timeoutSeconds: z.int().positive(),
});
