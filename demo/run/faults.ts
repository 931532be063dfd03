import * as z from 'zod';
import type { SimAccess } from '../../local/index.ts';
import { ask } from './ask-clouds.ts';

export const FAULT_LEVELS = ['none', 'light', 'heavy'] as const;
export type FaultLevel = (typeof FAULT_LEVELS)[number];

/** A fault in the form of the simulated clouds' control API; see local/sim/README.md. */
interface Fault {
  cloud?: string;
  call: string;
  kind: string;
  probability: number;
  delayMs?: number;
}

/** Faults after which a repetition of the call succeeds, or a look-up finds the outcome. */
const LIGHT: readonly Fault[] = [
  { call: 'create', kind: 'loseReplyAfterEffect', probability: 0.05 },
  { call: 'create', kind: 'loseReplyBeforeEffect', probability: 0.05 },
  { call: 'create', kind: 'throttle', probability: 0.05 },
  { call: 'list', kind: 'error', probability: 0.05 },
];

/**
 * Faults of creates, lists, terminations and network resources. After some of these faults, a launch needs
 * another location. At the cloud `ncp`, the quota is always used up.
 */
const HEAVY: readonly Fault[] = [
  { cloud: 'ncp', call: 'create', kind: 'quota', probability: 1 },
  { call: 'create', kind: 'loseReplyAfterEffect', probability: 0.08 },
  { call: 'create', kind: 'loseReplyBeforeEffect', probability: 0.05 },
  { call: 'create', kind: 'error', probability: 0.05 },
  { call: 'create', kind: 'throttle', probability: 0.05 },
  { call: 'create', kind: 'capacity', probability: 0.08 },
  { call: 'create', kind: 'bootFailure', probability: 0.05 },
  { call: 'create', kind: 'delay', probability: 0.03, delayMs: 4_000 },
  { call: 'list', kind: 'staleList', probability: 0.1, delayMs: 3_000 },
  { call: 'list', kind: 'error', probability: 0.1 },
  { call: 'ensure', kind: 'loseReplyAfterEffect', probability: 0.1 },
  { call: 'ensure', kind: 'error', probability: 0.1 },
  { call: 'terminate', kind: 'loseReplyAfterEffect', probability: 0.1 },
  { call: 'terminate', kind: 'stuckTerminating', probability: 0.1, delayMs: 20_000 },
  { call: 'deleteResource', kind: 'loseReplyAfterEffect', probability: 0.1 },
];

const FAULTS: Readonly<Record<FaultLevel, readonly Fault[]>> = { none: [], light: LIGHT, heavy: HEAVY };
const addedSchema = z.object({ faults: z.array(z.object({ id: z.string() })) });

/** Adds faults to the clouds. @returns ids by which `removeFaults` removes these faults and no others */
export async function addFaults(clouds: SimAccess, level: FaultLevel): Promise<string[]> {
  const faults = FAULTS[level];
  if (faults.length === 0) return [];
  const answer = await ask(clouds, 'faults', { method: 'POST', body: faults });
  return addedSchema.parse(answer).faults.map(({ id }) => id);
}

export async function removeFaults(clouds: SimAccess, ids: readonly string[]): Promise<void> {
  for (const id of ids) await ask(clouds, `faults/${id}`, { method: 'DELETE' });
}
