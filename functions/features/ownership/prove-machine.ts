import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient, CloudInstance, Driver } from '../../drivers/contract/driver.ts';
import { CLOCK_SKEW_MS } from '../../model/clock-skew.ts';
import type { AttemptItem, InstanceItem } from '../../platform/store/instances.ts';
import { attemptsOf } from './attempts.ts';

/**
 * Result of a proof.
 *
 * - `proven`: a call of this deployment created the machine.
 * - `copy`: the machine carries this deployment's tags, but no call of this deployment created the machine.
 *   The machine was restored from a backup, or cloned.
 * - `unproven`: it is unknown which call created the machine. There is no record of the machine's attempt, or
 *   the cloud does not show when the machine was created.
 */
export type Proof = 'proven' | 'copy' | 'unproven';

/**
 * Properties of a cloud that decide how to prove which call created a machine. The driver and its client
 * provide these properties.
 */
export interface ProofTerms extends Pick<Driver, 'longestCreateMs' | 'machineProof' | 'backendIds'> {
  /**
   * Returns the idempotency key of a create call with this launch token only. Absent if the driver has no
   * idempotency keys.
   */
  keyOf?(launchToken: string): string;
}

export function proofTerms(
  { longestCreateMs, machineProof, backendIds }: ProofTerms,
  client: CloudClient,
): ProofTerms {
  const terms = { longestCreateMs, machineProof, backendIds };
  if (!has(client, 'idempotency-keys')) return terms;
  return { ...terms, keyOf: (launchToken) => client.idempotencyKeyOf([launchToken]) };
}

/** A machine as a cloud showed it, with the machine's location and the time at which the cloud was asked. */
export interface Shown {
  machine: CloudInstance;
  location: string;
  atMs: number;
}

/**
 * Returns whether a call of this deployment created a machine. Tags and name alone prove nothing, because
 * every copy has them, too. Pure.
 *
 * @param record record of the instance whose id the machine carries
 */
export function proveMachine(shown: Shown, record: InstanceItem | undefined, terms: ProofTerms): Proof {
  if (!record) return 'unproven';
  const { machine, location } = shown;
  const attempts = attemptsOf(record).filter((attempt) => attempt.location === location);
  const ofToken = attempts.filter(({ launchToken }) => launchToken === machine.launchToken);
  const proofs = terms.machineProof.map((kind) =>
    kind === 'idempotency-key'
      ? byKey(machine, machine.launchToken === undefined ? attempts : ofToken, terms)
      : byTime(shown, ofToken, terms),
  );
  if (terms.backendIds === 'unique' && isBound(machine, attempts)) return 'proven';
  if (proofs.includes('proven')) return 'proven';
  return proofs.includes('copy') ? 'copy' : 'unproven';
}

/**
 * Returns true if a record is bound to a machine. If the cloud's backend ids are names, a proof is required
 * as well. A copy may have the name of a machine that no longer exists. Pure.
 */
export function isBoundTo(record: InstanceItem, shown: Shown, terms: ProofTerms): boolean {
  if (record.backendId === undefined || record.backendId !== shown.machine.backendId) return false;
  return terms.backendIds === 'unique' || proveMachine(shown, record, terms) === 'proven';
}

/**
 * Returns the machine that a record is bound to, or that its current attempt is proven to have created. Pure.
 *
 * @param machines machines that carry the record's instance id
 */
export function ownMachine(
  record: InstanceItem,
  machines: readonly CloudInstance[],
  seen: Omit<Shown, 'machine'>,
  terms: ProofTerms,
): CloudInstance | undefined {
  if (record.backendId !== undefined) {
    return machines.find((machine) => isBoundTo(record, { ...seen, machine }, terms));
  }
  return machines
    .filter(({ launchToken = record.launchToken }) => launchToken === record.launchToken)
    .find((machine) => proveMachine({ ...seen, machine }, record, terms) === 'proven');
}

/**
 * Returns true if a create call may have created the machine that its answer contains. Returns false only for
 * a machine that is proven to be a copy. In addition, the machine must have an idempotency key, or the
 * cloud's backend ids must be names. Pure.
 */
export function mayAnswer(shown: Shown, record: InstanceItem, terms: ProofTerms): boolean {
  const isTold = shown.machine.idempotencyKey !== undefined || terms.backendIds === 'names';
  return !isTold || proveMachine(shown, record, terms) !== 'copy';
}

function isBound({ backendId }: CloudInstance, attempts: readonly AttemptItem[]): boolean {
  return attempts.some((attempt) => attempt.backendId === backendId);
}

function byKey(
  { idempotencyKey }: CloudInstance,
  attempts: readonly AttemptItem[],
  { keyOf, machineProof }: ProofTerms,
): Proof {
  // If the key is the only proof, a machine without a key was not created by this deployment.
  if (idempotencyKey === undefined) return machineProof.length === 1 ? 'copy' : 'unproven';
  const isKnown = attempts.some(
    ({ launchToken, idempotencyKeys }) =>
      (idempotencyKeys?.includes(idempotencyKey) ?? false) || keyOf?.(launchToken) === idempotencyKey,
  );
  if (isKnown) return 'proven';
  return attempts.length > 0 ? 'copy' : 'unproven';
}

function byTime(
  { machine: { createdAtMs, status }, atMs }: Shown,
  attempts: readonly AttemptItem[],
  { longestCreateMs }: ProofTerms,
): Proof {
  // A machine that the cloud is still creating may have no creation time yet. The time at which the cloud was
  // asked is then used.
  const madeAtMs = createdAtMs ?? (status === 'Creating' ? atMs : undefined);
  if (madeAtMs === undefined || attempts.length === 0) return 'unproven';
  const isOfAttempt = attempts.some(
    ({ firstSentAtMs, closedAtMs = Number.POSITIVE_INFINITY }) =>
      madeAtMs >= firstSentAtMs - CLOCK_SKEW_MS && madeAtMs <= closedAtMs + longestCreateMs + CLOCK_SKEW_MS,
  );
  return isOfAttempt ? 'proven' : 'copy';
}
