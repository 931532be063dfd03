import * as z from 'zod';
import { cloudSchema } from './cloud.ts';
import { cloudWordSchema, nameSchema } from './identifiers.ts';

export const MIN_GRACE_SECONDS = 60;
export const MAX_GRACE_SECONDS = 30 * 86_400;

/** Defines what a sweep does with resources that no record claims. */
export const orphanPolicySchema = z
  .object({
    action: z
      .enum(['terminate', 'report'])
      .default('terminate')
      .describe('`terminate`: sweeps remove orphans. `report`: sweeps report orphans and remove none.'),
    graceSeconds: z
      .int()
      .min(MIN_GRACE_SECONDS)
      .max(MAX_GRACE_SECONDS)
      .default(1_800)
      .describe('Time in seconds from the first sweep that finds an orphan until a sweep takes the action.'),
  })
  .strict();
export type OrphanPolicy = z.infer<typeof orphanPolicySchema>;
export const DEFAULT_ORPHAN_POLICY: OrphanPolicy = orphanPolicySchema.parse({});

export const resourceKindSchema = z.enum(['network', 'security-group', 'key-pair', 'volume']);
export const orphanKindSchema = z.enum(['instance', ...resourceKindSchema.options]);
export type OrphanKind = z.infer<typeof orphanKindSchema>;

/**
 * The reason why a sweep reports a machine, volume or network resource. Except with `missing`, no record claims it:
 *
 * - `no-record`: no record has its instance id or, for a network resource, its kind and name
 * - `copy`: it carries this deployment's tags, but no call of this deployment created it
 * - `unproven`: it is unknown whether a call of this deployment created it
 * - `returned`: the machine vanished, and the cloud shows it again
 * - `ended`: the machine vanished, its removal was requested after that, and the cloud shows it again
 * - `record-closed`: its record is closed
 * - `earlier-attempt`: an earlier attempt of its instance created it, and the instance has given up that attempt
 * - `elsewhere`: its instance has moved to another location
 * - `duplicate`: the record of its instance is bound to another machine
 * - `missing`: a record is bound to the machine, and the cloud does not show the machine
 */
export const orphanReasonSchema = z.enum([
  'no-record',
  'copy',
  'unproven',
  'returned',
  'ended',
  'record-closed',
  'earlier-attempt',
  'elsewhere',
  'duplicate',
  'missing',
]);
export type OrphanReason = z.infer<typeof orphanReasonSchema>;

/**
 * Tells how sweeps treat findings with a given reason:
 *
 * - `leftAlone`: sweeps report the resource and never remove it. It is not proven to belong to this deployment, or it
 *   may be needed again
 * - `neverClaimed`: no record can ever claim the resource. Sweeps therefore do not wait for the end of the grace period
 * - `uncounted`: the removal does not count toward the daily maximum. The resource is proven to be superfluous, or its
 *   removal was requested
 */
interface Meaning {
  leftAlone: boolean;
  neverClaimed: boolean;
  uncounted: boolean;
}
const USUAL: Meaning = { leftAlone: false, neverClaimed: false, uncounted: false };
const MEANINGS: Readonly<Record<OrphanReason, Meaning>> = {
  'no-record': { ...USUAL, leftAlone: true },
  copy: { ...USUAL, leftAlone: true, neverClaimed: true },
  unproven: { ...USUAL, leftAlone: true },
  returned: { ...USUAL, leftAlone: true },
  ended: { ...USUAL, neverClaimed: true, uncounted: true },
  'record-closed': USUAL,
  'earlier-attempt': { ...USUAL, uncounted: true },
  elsewhere: USUAL,
  duplicate: { ...USUAL, neverClaimed: true, uncounted: true },
  missing: USUAL,
};
export const isLeftAlone = (reason: OrphanReason): boolean => MEANINGS[reason].leftAlone;
export const isNeverClaimed = (reason: OrphanReason): boolean => MEANINGS[reason].neverClaimed;
export const isUncounted = (reason: OrphanReason): boolean => MEANINGS[reason].uncounted;

/**
 * Open states:
 *
 * - `Quarantined`: the grace period has not ended
 * - `Reported`: sweeps do not remove the resource; an operator has to decide
 * - `Terminating`: each sweep requests the removal again, until the cloud no longer shows the resource
 * - `Missing`: the poll loop searches for the machine
 *
 * Closed states:
 *
 * - `Terminated`: a sweep removed the resource
 * - `Gone`: the resource no longer exists, and no sweep removed it
 * - `Released`: a record claims the resource. For a missing machine: the cloud shows it again, or no open
 *   record is bound to it
 * - `Vanished`: the missing machine's record now says that the machine has vanished
 * - `Returned`: the machine had vanished and exists again, and its record was reopened
 */
export const ORPHAN_STATES = [
  'Quarantined',
  'Reported',
  'Terminating',
  'Missing',
  'Terminated',
  'Gone',
  'Released',
  'Vanished',
  'Returned',
] as const;
export const orphanStateSchema = z.enum(ORPHAN_STATES);
export type OrphanState = z.infer<typeof orphanStateSchema>;

const IS_CLOSED: Readonly<Record<OrphanState, boolean>> = {
  Quarantined: false,
  Reported: false,
  Terminating: false,
  Missing: false,
  Terminated: true,
  Gone: true,
  Released: true,
  Vanished: true,
  Returned: true,
};
export const isClosedOrphan = (state: OrphanState): boolean => IS_CLOSED[state];

/**
 * The reason why sweeps remove no machines at a site, or at any site of a connection, until an operator lets sweeps
 * continue:
 *
 * - `cap`: the daily maximum of removals is reached
 * - `restored`: the tables were restored to an earlier time
 * - `another-writer`: another deployment with the same id uses the cloud account
 */
export const HOLD_REASONS = ['cap', 'restored', 'another-writer'] as const;
export const holdReasonSchema = z.enum(HOLD_REASONS);
export type HoldReason = z.infer<typeof holdReasonSchema>;

/** A hold: sweeps remove no machines of a site or connection until an operator lets sweeps continue. */
export const sweepHoldSchema = z.object({
  connection: nameSchema,
  location: cloudWordSchema.optional().describe('Absent: every location of the connection.'),
  because: holdReasonSchema,
  message: z.string(),
  since: z.iso.datetime(),
  waiting: z
    .int()
    .nonnegative()
    .optional()
    .describe('With `cap`: number of machines whose removal waits for an operator.'),
});
export type SweepHold = z.infer<typeof sweepHoldSchema>;

export const continueRequestSchema = z
  .object({
    connection: nameSchema,
    location: cloudWordSchema.optional().describe('Absent: every hold of the connection.'),
  })
  .strict();

/** A finding of the orphan sweep, as users see it. */
export const orphanSchema = z.object({
  connection: nameSchema,
  cloud: cloudSchema,
  location: cloudWordSchema,
  kind: orphanKindSchema,
  backendId: z.string(),
  name: z.string().optional(),
  instanceId: z
    .string()
    .optional()
    .describe(
      'Id of the instance that the tag or name of the resource names. The records may have no instance with this id.',
    ),
  fleetId: z.string().optional(),
  reason: orphanReasonSchema,
  state: orphanStateSchema,
  heldBecause: holdReasonSchema
    .optional()
    .describe(
      'Present if a hold keeps sweeps from removing the resource: the reason of the hold. The hold ends when an operator continues the sweeps.',
    ),
  firstSeenAt: z.iso.datetime(),
  stateSince: z.iso.datetime(),
});
export type Orphan = z.infer<typeof orphanSchema>;

/** The action of a sweep on one finding. A dry run reports the action and does not take it. */
export const sweepActionSchema = z.enum([
  'quarantine',
  'wait',
  'report',
  'terminate',
  'release',
  'close',
  'look',
]);
export type SweepAction = z.infer<typeof sweepActionSchema>;

export const sweepFindingSchema = orphanSchema
  .pick({ location: true, kind: true, backendId: true, name: true, instanceId: true, reason: true })
  .extend({ state: orphanStateSchema.describe('The state after the sweep.'), action: sweepActionSchema });
export type SweepFinding = z.infer<typeof sweepFindingSchema>;

const sweepFailureSchema = z.object({
  connection: nameSchema,
  location: cloudWordSchema.optional().describe('Absent: the whole connection.'),
  code: z.string(),
  message: z.string(),
});

/** The progress of a requested sweep. */
export const sweepSchema = z.object({
  id: z.string(),
  namespace: nameSchema,
  dryRun: z.boolean(),
  connections: z.array(nameSchema),
  status: z.enum(['Running', 'Done']),
  places: z.object({ found: z.int(), done: z.int(), failed: z.int() }),
  findings: z.array(sweepFindingSchema.extend({ connection: nameSchema })),
  findingsLeftOut: z
    .int()
    .nonnegative()
    .describe('Number of findings that are not listed because the list is full.'),
  failures: z.array(sweepFailureSchema),
  createdAt: z.iso.datetime(),
});
export type Sweep = z.infer<typeof sweepSchema>;

export const sweepRequestSchema = z
  .object({
    connection: nameSchema.optional().describe('Absent: every connection that is Ready.'),
    dryRun: z.boolean().default(false),
  })
  .strict();

export const sweepIdSchema = z.string().regex(/^s[0-9a-z]{16}$/);
