import * as z from 'zod';
import { draw } from './draw.ts';
import { type CallName, type RateKind, rateKindOf } from './requests.ts';

export const FAULT_KINDS = [
  'throttle',
  'quota',
  'capacity',
  'forbidden',
  'error',
  'timeout',
  'loseReplyBeforeEffect',
  'loseReplyAfterEffect',
  'delay',
  'duplicateEffect',
  'staleList',
  'vanish',
  'interrupt',
  'stuckTerminating',
  'bootFailure',
  'leaveVolumes',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * Describes a fault: its kind, target, probability and duration. Used in the config file and in `POST /_sim/faults`.
 */
export const faultSchema = z
  .object({
    cloud: z.string().min(1).default('*'),
    connection: z.string().min(1).default('*'),
    location: z.string().min(1).default('*'),
    zone: z
      .string()
      .min(1)
      .optional()
      .describe('A zone: the fault hits only creates of instances in it. Absent: all calls.'),
    instanceType: z
      .string()
      .min(1)
      .optional()
      .describe('An instance type: the fault hits only creates of such instances. Absent: all calls.'),
    market: z
      .enum(['on-demand', 'spot', 'reserved'])
      .optional()
      .describe('A market: the fault hits only creates of instances in it. Absent: all calls.'),
    call: z
      .string()
      .min(1)
      .default('*')
      .describe('A call; `list` or `mutate` for all calls under that rate limit; or `*` for all calls.'),
    kind: z.enum(FAULT_KINDS),
    probability: z.number().min(0).max(1).default(1),
    forSeconds: z.number().positive().optional().describe('Absent: the fault lasts until it is deleted.'),
    count: z
      .int()
      .positive()
      .optional()
      .describe('Maximum number of calls that the fault hits. Absent: no limit.'),
    delayMs: z
      .int()
      .nonnegative()
      .max(600_000)
      .optional()
      .describe('Default: 5000 for `delay`, 3000 for `staleList`, 60000 for `stuckTerminating`.'),
  })
  .strict();
export type Fault = z.output<typeof faultSchema>;

export const activeFaultSchema = faultSchema.extend({
  id: z.string(),
  addedAtMs: z.number(),
  /** Counts the calls that the fault could hit (`seen`), and those that it hit (`hits`). */
  seen: z.int().nonnegative(),
  hits: z.int().nonnegative(),
});
export type ActiveFault = z.infer<typeof activeFaultSchema>;

const DEFAULT_DELAY_MS: Readonly<Partial<Record<FaultKind, number>>> = {
  delay: 5_000,
  staleList: 3_000,
  stuckTerminating: 60_000,
};

export function faultDelayMs(fault: Fault): number {
  return fault.delayMs ?? DEFAULT_DELAY_MS[fault.kind] ?? 0;
}

/** The calls that each kind of fault can hit. A kind that is absent can hit all calls. */
const APPLIES_TO: Readonly<Partial<Record<FaultKind, readonly CallName[]>>> = {
  quota: ['create', 'ensure'],
  capacity: ['create'],
  duplicateEffect: ['create'],
  bootFailure: ['create'],
  leaveVolumes: ['create'],
  staleList: ['list', 'find'],
  vanish: ['list', 'find', 'get', 'create', 'terminate'],
  interrupt: ['list', 'find', 'get', 'create', 'terminate'],
  stuckTerminating: ['terminate'],
};

export interface FaultTarget {
  cloud: string;
  connection: string;
  location: string | undefined;
  /** The zone of the instance that the call creates. */
  zone: string | undefined;
  /** The type of the instance that the call creates. */
  instanceType?: string | undefined;
  /** The market of the instance that the call creates. */
  market?: 'on-demand' | 'spot' | 'reserved' | undefined;
  call: CallName;
  /** True if the account has a spot instance at this location that the fault `interrupt` can take back. */
  canInterrupt?: boolean;
  /** True if the account has an instance at this location that the fault `vanish` can remove. */
  canVanish: boolean;
}

/**
 * Selects the fault that hits a call. At most one fault hits a call. A random number is drawn for each fault,
 * in the order in which the faults were added. The first fault whose draw succeeds hits the call.
 *
 * @returns `drawn`: the faults for which a number was drawn, with updated counters; `struck`: the fault that
 * hits
 */
export function drawFaults(
  faults: readonly ActiveFault[],
  target: FaultTarget,
  nowMs: number,
  seed: number,
): { drawn: ActiveFault[]; struck: ActiveFault | undefined } {
  const drawn: ActiveFault[] = [];
  for (const fault of faults) {
    if (!isDue(fault, nowMs) || !isAimedAt(fault, target)) continue;
    const strikes = draw(seed, 'fault', fault.id, fault.seen) < fault.probability;
    const counted = { ...fault, seen: fault.seen + 1, hits: fault.hits + (strikes ? 1 : 0) };
    drawn.push(counted);
    if (strikes) return { drawn, struck: counted };
  }
  return { drawn, struck: undefined };
}

function isDue(fault: ActiveFault, nowMs: number): boolean {
  if (fault.count !== undefined && fault.hits >= fault.count) return false;
  return fault.forSeconds === undefined || nowMs < fault.addedAtMs + fault.forSeconds * 1_000;
}

function isAimedAt(fault: ActiveFault, target: FaultTarget): boolean {
  const kinds = APPLIES_TO[fault.kind];
  if (kinds && !kinds.includes(target.call)) return false;
  if (fault.kind === 'vanish' && !target.canVanish) return false;
  if (fault.kind === 'interrupt' && target.canInterrupt !== true) return false;
  const matches = (pattern: string, value: string | undefined) => pattern === '*' || pattern === value;
  const rate: RateKind | undefined = rateKindOf(target.call);
  return (
    matches(fault.cloud, target.cloud) &&
    matches(fault.connection, target.connection) &&
    matches(fault.location, target.location) &&
    matches(fault.zone ?? '*', target.zone) &&
    matches(fault.instanceType ?? '*', target.instanceType) &&
    matches(fault.market ?? '*', target.market) &&
    (matches(fault.call, target.call) || fault.call === rate)
  );
}
