import * as z from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import { driverNameSchema, inventoryFailureSchema } from '../../model/connection.ts';
import { fieldErrorSchema } from '../../model/field-error.ts';
import { cloudWordSchema, fleetIdSchema } from '../../model/identifiers.ts';
import { sweepIdSchema } from '../../model/orphan.ts';
import { fleetStatusSchema } from '../../model/status.ts';

/** Site of the cloud calls that a message causes. */
const siteShape = { connectionKey: z.string(), location: cloudWordSchema };
const placementShape = { fleetId: fleetIdSchema, taskToken: z.string(), ...siteShape };

const positionSchema = z.int().nonnegative();
/** An earlier release gave each further launch a round and a task token of its own. */
const furtherSchema = z.union([
  positionSchema,
  z.object({ index: positionSchema }).transform(({ index }) => index),
]);

/**
 * Launches the instances at one position or several of a fleet at a site. `provision-fleet` sends a message for each
 * chunk of a site's positions. Workers send messages for launches that wait.
 */
export const launchMessageSchema = z.object({
  kind: z.literal('launch'),
  fleetId: fleetIdSchema,
  ...siteShape,
  index: positionSchema,
  last: positionSchema
    .exactOptional()
    .describe('The last position, if the message is for all from `index` on.'),
  others: z.array(furtherSchema).min(1).exactOptional().describe('Further positions.'),
  round: z.int().positive(),
  taskToken: z
    .string()
    .exactOptional()
    .describe(
      'Set by a workflow. The task is completed when each launch has been claimed or cancelled, is in the launch queue, or has a message of its own.',
    ),
  awaits: z
    .int()
    .positive()
    .exactOptional()
    .describe(
      'Number of the execution. Set if the task is to be completed only when the fleet has no launch left at the connection.',
    ),
  waitedFor: z
    .number()
    .exactOptional()
    .describe(
      'The `claimUntilMs` or `unknownSinceMs` of the record when the launch was requeued. If the record still has that value, the worker looks up the machine.',
    ),
  claimSeen: z
    .object({ claimUntilMs: z.number(), sinceMs: z.number() })
    .exactOptional()
    .describe(
      "The claim that a worker made for an earlier message of this launch, and the queue's time of that message's first delivery.",
    ),
  waitsSinceMs: z.number().exactOptional().describe('Time at which this launch was first queued.'),
});

/**
 * Completes its task when the fleet has no launch left at the connection. Sent by `provision-fleet` when all launches
 * have been sent, and by workers until the task is completed: such a message looks for launches that were lost.
 */
export const awaitLaunchesMessageSchema = z.object({
  kind: z.literal('await-launches'),
  fleetId: fleetIdSchema,
  connectionKey: z.string(),
  execution: z.int().positive(),
  taskToken: z.string(),
  checks: z.int().nonnegative().default(0).describe('Number of earlier checks.'),
  quiet: z
    .array(
      z.object({
        location: cloudWordSchema,
        settled: z.int().describe('Number of instances there that need no launch.'),
        sinceMs: z.number().describe('Time since when that number has been the same.'),
        sends: z.int().describe('Number of times that the missing launches were sent again since then.'),
      }),
    )
    .default([])
    .describe('Locations where launches are missing, although none of them is under way.'),
});

/**
 * Gives up launches that are lost, or waited for too long. Sent by workers. If an instance runs or has ended by now,
 * nothing happens to it. Otherwise, the instance fails, or moves to another location. If a machine may exist, the poll
 * loop removes it afterwards.
 */
export const giveUpMessageSchema = z.object({
  kind: z.literal('give-up'),
  fleetId: fleetIdSchema,
  ...siteShape,
  index: positionSchema,
  others: z.array(positionSchema).min(1).exactOptional().describe('Further positions.'),
  round: z.int().positive(),
  taskToken: z.string().exactOptional().describe('Set only by executions that an earlier release started.'),
  code: z.string().min(1).describe('Name of the reason, such as States.Timeout.'),
});

/**
 * Verifies what a fleet names by the cloud's own ids at a site: its network, its images, its identities. Sent by
 * `provision-fleet` for each such site, before anything is made at any site.
 */
export const verifySiteMessageSchema = z.object({
  kind: z.literal('verify-site'),
  ...placementShape,
  round: z.int().positive(),
  untilMs: z
    .number()
    .exactOptional()
    .describe('Time until which the cloud is asked again if it does not answer. Absent at the first try.'),
});

/**
 * Creates the network, the security groups and the key pair of a fleet at a site. Sent only by executions that an
 * earlier release started.
 */
export const prepareNetworksMessageSchema = z.object({
  kind: z.literal('prepare-networks'),
  ...placementShape,
});

/**
 * What an execution of `terminate-fleet` removes. `fleet`: everything. `failed`: failed instances, and the resources
 * that no other instance needs.
 */
export const removalScopeSchema = z.enum(['fleet', 'failed']);
export type RemovalScope = z.infer<typeof removalScopeSchema>;

/**
 * Removes the instances that the workflow state Assign placed at this site, even if they have moved to another site
 * since. The task is completed when none of them exists any more. Sent by `terminate-fleet`.
 */
export const terminateMessageSchema = z.object({
  kind: z.literal('terminate'),
  ...placementShape,
  scope: removalScopeSchema,
});

/**
 * Removes network resources of a fleet at a site. Sent by `terminate-fleet` twice: with the round `access` for key
 * pairs and security groups, then with the round `network` for networks.
 */
export const removeNetworksMessageSchema = z.object({
  kind: z.literal('remove-networks'),
  ...placementShape,
  scope: removalScopeSchema,
  round: z.enum(['access', 'network']),
});

/**
 * Removes the shared network resources of a site that no fleet uses. Sent with a delay when the last user of one has
 * left; by a sweep that finds one overdue; and at a user's request.
 */
export const removeUnusedMessageSchema = z.object({
  kind: z.literal('remove-unused'),
  ...siteShape,
  dueAtMs: z.number().describe('Time before which nothing is removed. The queue allows shorter delays only.'),
  graceMs: z.number().nonnegative().describe('Time for which a resource must have been unused.'),
  askedAtMs: z.number().exactOptional().describe('Time at which a user asked for the removal.'),
});

/** Polls a site. A message is dropped if its `generation` is not the current generation of the site's poll loop. */
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

/**
 * Verifies a connection's credential. With `rotation`, verifies a new version of the credential, then puts this version
 * in force.
 */
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
/** Verifies the existing networks that a user sets as the default of a connection, then puts them in force. */
export const verifyNetworkMessageSchema = z.object({
  kind: z.literal('verify-network'),
  connectionKey: z.string(),
  changeId: z.string().describe('Id of the request. A later request replaces it.'),
  verified: z.array(cloudWordSchema).exactOptional().describe('Locations that were checked so far.'),
  errors: z.array(fieldErrorSchema).exactOptional().describe('What was found wrong so far.'),
});
/** Removes this deployment's mark from the cloud account of a connection that is being deleted. */
export const leaveAccountMessageSchema = z.object({
  kind: z.literal('leave-account'),
  connectionKey: z.string(),
  deletionId: z.string(),
});
/**
 * Updates the status of a fleet that no workflow works on, after instances of the fleet returned to Running from
 * Undefined, or from a closed status.
 */
export const reviewFleetMessageSchema = z.object({
  kind: z.literal('review-fleet'),
  fleetId: fleetIdSchema,
});
/**
 * Reads locations, instance types, offers and images at a connection's cloud, and writes them to the connection's
 * catalogue.
 */
export const syncInventoryMessageSchema = z.object({
  kind: z.literal('sync-inventory'),
  connectionKey: z.string(),
  left: z
    .array(cloudWordSchema)
    .min(1)
    .exactOptional()
    .describe('Locations that this sync has still to read. Absent: this message begins the sync.'),
  failures: z.array(inventoryFailureSchema).exactOptional().describe('Failed reads of this sync so far.'),
  denied: z
    .array(cloudWordSchema)
    .exactOptional()
    .describe('Locations that the cloud has denied in this sync so far.'),
  again: z
    .object({ questions: z.int().positive(), locations: z.array(cloudWordSchema) })
    .exactOptional()
    .describe(
      'Set if the message only asks again about denied locations, with the number of such questions.',
    ),
  thenRights: z
    .literal(true)
    .exactOptional()
    .describe('True: a check of the rights at each location follows, because the credential was verified.'),
});

/**
 * Checks at each location of a connection whether the cloud lets the credential do what a launch needs. Sent after a
 * verification that has succeeded.
 */
export const checkRightsMessageSchema = z.object({
  kind: z.literal('check-rights'),
  connectionKey: z.string(),
  credentialVersion: z
    .int()
    .positive()
    .exactOptional()
    .describe('Version of the secret that was verified. The check ends if another one has come into force.'),
  left: z.array(cloudWordSchema).min(1).exactOptional().describe('Locations that are still to be asked.'),
  part: z.int().positive().exactOptional().describe('Number of this message of the check. Absent: 1.'),
});

const sweepShape = {
  connectionKey: z.string(),
  sweepId: sweepIdSchema
    .optional()
    .describe(
      'Id of the requested sweep. The findings are written to its record. Absent: a scheduled sweep.',
    ),
  dryRun: z.boolean(),
};
/** Sends a `sweep` message for each site of a connection. */
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
      'Number of earlier sweeps in this chain; 0 for the first. A sweep that requests removals sends another sweep, which checks the removals.',
    ),
});

/** All messages of a driver's queue. */
export const driverMessageSchema = z.discriminatedUnion('kind', [
  launchMessageSchema,
  awaitLaunchesMessageSchema,
  giveUpMessageSchema,
  verifySiteMessageSchema,
  prepareNetworksMessageSchema,
  terminateMessageSchema,
  removeNetworksMessageSchema,
  removeUnusedMessageSchema,
  pollMessageSchema,
  verifyMessageSchema,
  verifyNetworkMessageSchema,
  leaveAccountMessageSchema,
  reviewFleetMessageSchema,
  syncInventoryMessageSchema,
  checkRightsMessageSchema,
  sweepConnectionMessageSchema,
  sweepMessageSchema,
]);
export type DriverMessage = z.infer<typeof driverMessageSchema>;
export type LaunchMessage = z.infer<typeof launchMessageSchema>;
export type AwaitLaunchesMessage = z.infer<typeof awaitLaunchesMessageSchema>;
export type GiveUpMessage = z.infer<typeof giveUpMessageSchema>;
export type VerifySiteMessage = z.infer<typeof verifySiteMessageSchema>;
export type PrepareNetworksMessage = z.infer<typeof prepareNetworksMessageSchema>;
export type TerminateMessage = z.infer<typeof terminateMessageSchema>;
export type RemoveNetworksMessage = z.infer<typeof removeNetworksMessageSchema>;
export type RemoveUnusedMessage = z.infer<typeof removeUnusedMessageSchema>;
export type PollMessage = z.infer<typeof pollMessageSchema>;
export type LeaveAccountMessage = z.infer<typeof leaveAccountMessageSchema>;
export type VerifyMessage = z.infer<typeof verifyMessageSchema>;
export type VerifyNetworkMessage = z.infer<typeof verifyNetworkMessageSchema>;
export type SweepConnectionMessage = z.infer<typeof sweepConnectionMessageSchema>;
export type SweepMessage = z.infer<typeof sweepMessageSchema>;
export type CheckRightsMessage = z.infer<typeof checkRightsMessageSchema>;
export type SyncInventoryMessage = z.infer<typeof syncInventoryMessageSchema>;

/**
 * Error name with which a worker fails a task of `prepare-networks` if launching has stopped at the site. An execution
 * of an earlier release then skips the site.
 */
export const LAUNCH_ABANDONED = 'LaunchAbandoned';

export const fleetInputSchema = z.object({ fleetId: fleetIdSchema });

/**
 * Input of the workflow `provision-fleet` and of its state Assign. `execution` is the number of this workflow
 * execution. Once the fleet's item has a higher number, the execution changes nothing more.
 */
export const provisionInputSchema = fleetInputSchema.extend({ execution: z.int().positive() });
export type ProvisionInput = z.infer<typeof provisionInputSchema>;

/** Input of the workflow `terminate-fleet`, and of its states BeginTermination and FinishTermination. */
export const removalInputSchema = provisionInputSchema.extend({ scope: removalScopeSchema });
export type RemovalInput = z.infer<typeof removalInputSchema>;

/** Input of the state Settle of `provision-fleet`. */
export const settleInputSchema = provisionInputSchema.extend({
  interruptedBy: z
    .string()
    .optional()
    .describe('Name of the error that ended the work early, if there was one.'),
});
/**
 * Answer of the state Settle: the fleet's status and, if the failure policy requires a removal, the input of
 * `terminate-fleet` for it.
 */
export const settleAnswerSchema = z.object({
  status: fleetStatusSchema,
  removal: removalInputSchema.exactOptional(),
});
export type SettleAnswer = z.infer<typeof settleAnswerSchema>;

/** Answer of the state FinishTermination. `done` is true if everything that was to be removed is gone. */
export const finishAnswerSchema = z.object({ status: fleetStatusSchema, done: z.boolean() });
export type FinishAnswer = z.infer<typeof finishAnswerSchema>;

/** AWS runs at most this many iterations of an inline Map concurrently. */
export const MAX_INLINE_MAP = 40;
/**
 * Maximum number of positions in a launch message. A worker claims so many in two transactions, and has time for so
 * many requests if the cloud creates several machines in one call.
 */
export const MOST_POSITIONS = 100;

/** One site's share of the work, in the answer of the state Assign. */
export const siteWorkSchema = z.object({
  connectionKey: z.string(),
  location: cloudWordSchema,
  queueUrl: z.url(),
  first: z.int().nonnegative(),
  count: z.int().positive(),
  round: z.int().positive(),
  chunk: z.int().min(1).max(MOST_POSITIONS).describe('Maximum number of positions in a launch message.'),
  concurrentChunks: z
    .int()
    .min(1)
    .max(MAX_INLINE_MAP)
    .describe('Maximum number of launch messages that workers take on at the same time.'),
});
export type SiteWork = z.infer<typeof siteWorkSchema>;

/** Answer of the state Assign. `clouds` has one entry for each pair of cloud and connection. */
export const assignmentSchema = z.object({
  fleetId: fleetIdSchema,
  execution: z.int().positive(),
  clouds: z.array(
    z.object({
      cloud: cloudSchema,
      driver: driverNameSchema,
      connectionKey: z.string(),
      concurrentLocations: z.int().min(1).max(MAX_INLINE_MAP),
      queueUrl: z.url(),
      sites: z.array(siteWorkSchema),
      only: siteWorkSchema
        .pick({ location: true, round: true })
        .extend({ index: positionSchema, last: positionSchema })
        .exactOptional()
        .describe('Set in place of `sites` if one launch message has all launches at this connection.'),
    }),
  ),
  given: z
    .array(siteWorkSchema.pick({ connectionKey: true, location: true, queueUrl: true, round: true }))
    .exactOptional()
    .describe('The sites where the fleet names something by the cloud’s own ids. Absent: there are none.'),
});
export type Assignment = z.infer<typeof assignmentSchema>;

/**
 * Answer of the state BeginTermination. It has the form of Assign's answer, with only the sites where something may
 * have to be removed.
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
