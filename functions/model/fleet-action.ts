import * as z from 'zod';
import type { FleetStatus } from './status.ts';

export const FLEET_ACTIONS = ['hold', 'release', 'withdraw', 'abort', 'retry', 'refine'] as const;
export const fleetActionSchema = z.enum(FLEET_ACTIONS);
export type FleetAction = z.infer<typeof fleetActionSchema>;

export const MIN_HOLD_SECONDS = 60;
export const MAX_HOLD_SECONDS = 30 * 86_400;

export const holdSchema = z
  .object({
    expiresInSeconds: z
      .int()
      .min(MIN_HOLD_SECONDS)
      .max(MAX_HOLD_SECONDS)
      .optional()
      .describe(
        'The fleet is withdrawn after this time, unless a user releases it earlier. Absent: the fleet is held until a user releases or removes it.',
      ),
  })
  .strict();
export type Hold = z.infer<typeof holdSchema>;

/** The body of `POST …/fleets/{fleet}/actions`. */
export const fleetActionRequestSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('hold'), ...holdSchema.shape }).strict(),
  z.object({ action: z.enum(['release', 'withdraw', 'abort', 'retry', 'refine']) }).strict(),
]);
export type FleetActionRequest = z.infer<typeof fleetActionRequestSchema>;

/** The facts that decide which actions a fleet allows. */
export interface ActionFacts {
  status: FleetStatus;
  /** True while a workflow works on the fleet. */
  working: boolean;
  /** True while a workflow launches instances of the fleet. */
  launching: boolean;
  /** Number of requested instances that do not run. */
  missing: number;
  /** Number of missing instances whose status is not Terminated. */
  failed: number;
}

/**
 * Returns the actions that a fleet allows. Pure. This is the transition table:
 *
 * | action | allowed in | what follows |
 * |---|---|---|
 * | hold | Preparing, Creating, while launching | Held: nothing more is launched, running instances stay |
 * | release | Held | Preparing, and missing instances are launched |
 * | withdraw | Held | Terminating |
 * | abort | Preparing, Creating, while launching | nothing more is launched, and the failure policy decides the status |
 * | retry | Running, PartiallyRunning, Failed, when instances are missing | Preparing, and missing instances are launched |
 * | refine | PartiallyRunning when instances are missing, Failed when instances failed | failed instances are removed, and the shortfall is accepted; then Running, or Failed if a minimum is not reached |
 */
export function allowedActions({ status, working, launching, missing, failed }: ActionFacts): FleetAction[] {
  if (status === 'Held') return ['release', 'withdraw'];
  if (launching && (status === 'Preparing' || status === 'Creating')) return ['hold', 'abort'];
  if (working) return [];
  const settled = status === 'PartiallyRunning' || status === 'Failed';
  const retry: FleetAction[] = (settled || status === 'Running') && missing > 0 ? ['retry'] : [];
  const isRefinable = status === 'PartiallyRunning' ? missing > 0 : settled && failed > 0;
  return isRefinable ? [...retry, 'refine'] : retry;
}
