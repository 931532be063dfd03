import { type Fault, type FaultKind, faultSchema } from '../../../local/sim/engine/faults.ts';
import { CALM, type Disturbance } from '../ground/disturbance.ts';
import { Random } from '../time/random.ts';

export function disturbance(random: Random): Disturbance {
  const some = (chance: number, most: number) =>
    random.chance(chance) ? random.between(most / 10, most) : 0;
  return {
    ...CALM,
    kill: some(0.8, 0.003),
    newProcess: 0.1,
    slow: some(0.6, 0.02),
    throttle: some(0.5, 0.004),
    shortPage: 0.2,
    conflict: some(0.6, 0.02),
    repeatedWrite: some(0.5, 0.01),
    lostWrite: some(0.5, 0.004),
    serviceError: some(0.5, 0.006),
    duplicate: some(0.7, 0.08),
    late: some(0.5, 0.05),
    lateToken: some(0.5, 0.1),
    ignoredRemoval: some(0.4, 0.3),
  };
}

const FAULTS: readonly {
  kind: FaultKind;
  most: number;
  call?: string;
  delayMs?: readonly [number, number];
}[] = [
  { kind: 'throttle', most: 0.1 },
  { kind: 'capacity', most: 0.2 },
  { kind: 'quota', most: 0.05, call: 'create' },
  { kind: 'error', most: 0.1 },
  { kind: 'loseReplyBeforeEffect', most: 0.1 },
  { kind: 'loseReplyAfterEffect', most: 0.15 },
  { kind: 'timeout', most: 0.04 },
  { kind: 'delay', most: 0.05, delayMs: [1_000, 20_000] },
  { kind: 'duplicateEffect', most: 0.05 },
  { kind: 'staleList', most: 0.1, delayMs: [500, 1_500] },
  { kind: 'vanish', most: 0.01 },
  { kind: 'stuckTerminating', most: 0.2, delayMs: [10_000, 120_000] },
  { kind: 'bootFailure', most: 0.1 },
];

export function cloudFaults(random: Random): Fault[] {
  return FAULTS.flatMap(({ kind, most, call, delayMs }) =>
    random.chance(0.35)
      ? [
          faultSchema.parse({
            kind,
            probability: random.between(most / 10, most),
            ...(call === undefined ? {} : { call }),
            ...(delayMs === undefined ? {} : { delayMs: random.int(...delayMs) }),
          }),
        ]
      : [],
  );
}

/** Draws whether machines leave their volumes behind. */
export function volumeFaults(seed: number): Fault[] {
  const random = new Random(seed, 'volumes');
  if (random.chance(0.5)) return [];
  return [faultSchema.parse({ kind: 'leaveVolumes', probability: random.between(0.1, 1) })];
}
