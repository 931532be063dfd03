import { has, type WriterMark, type WriterMarks } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { cameFirst, judgeMarks } from './judge-marks.ts';

/**
 * Errors that a repeated call would get again. For example, the credential has no right to write marks, or
 * the account cannot store a further mark.
 */
const NEVER: readonly DriverErrorCode[] = [
  'Unauthorized',
  'Forbidden',
  'Unsupported',
  'InvalidRequest',
  'NotFound',
  'QuotaExceeded',
];

/** Tells whether another deployment with the same deployment id uses the cloud account. */
export type MarkOutcome =
  /**
   * This deployment is allowed to use the account. `warning` is set if no mark can be written: another
   * deployment could then not be detected.
   */
  | { alone: true; warning?: Failure }
  /**
   * Another live deployment with the same id uses the account. `isOurs` is true if this deployment has a mark
   * in the account, too.
   */
  | { alone: false; other: WriterMark; isOurs: boolean };

/** `none` means that the driver has no marks. */
type Outcome = MarkOutcome | 'none';

/**
 * Writes this deployment's mark in an account, unless another live deployment with the same id already has a
 * mark there. If two deployments write their marks at the same time, the deployment with the newer mark
 * removes its own mark.
 *
 * @throws DriverError if the marks cannot be read or written now
 */
export async function claimMark(context: WorkerContext, client: CloudClient): Promise<Outcome> {
  return await withMarks(context, client, async (marks) => {
    const before = await readMarks(context, marks);
    if (before.other && !before.own) return { alone: false, other: before.other, isOurs: false };
    const own = await renew(context, marks, before.own);
    const { other } = await readMarks(context, marks);
    if (!other) return { alone: true };
    if (cameFirst(own, other)) return { alone: true };
    if (!before.own) await marks.removeWriterMark(context.writerId);
    return { alone: false, other, isOurs: before.own !== undefined };
  });
}

/**
 * Renews this deployment's mark, or writes the mark if no other live deployment with the same id has a mark.
 * Returns whether another live deployment with the same id uses the account.
 *
 * @param ignoredUntilMs time at which an operator decided that other deployments no longer use the account;
 *   other deployments' marks that were not renewed after that time are removed
 * @throws DriverError if the marks cannot be read or written now
 */
export async function renewMark(
  context: WorkerContext,
  client: CloudClient,
  ignoredUntilMs: number | undefined,
): Promise<Outcome> {
  return await withMarks(context, client, async (marks) => {
    const { own, other } = await readMarks(context, marks, ignoredUntilMs);
    if (own || !other) await renew(context, marks, own);
    return other ? { alone: false, other, isOurs: own !== undefined } : { alone: true };
  });
}

export function idInUse(deploymentId: string, { sinceMs, renewedAtMs }: WriterMark): Failure {
  return {
    code: 'DeploymentIdInUse',
    message: `another deployment with the id ${deploymentId} has used this account since ${isoTime(sinceMs)}, and last renewed its mark at ${isoTime(renewedAtMs)}: each of the two deployments would remove the machines of the other. Give this deployment another id, or delete the connection in the other deployment; a mark expires a day after it was last renewed`,
  };
}

async function withMarks(
  { log }: WorkerContext,
  client: CloudClient,
  work: (marks: WriterMarks) => Promise<MarkOutcome>,
): Promise<Outcome> {
  if (!has(client, 'writer-marks')) return 'none';
  try {
    return await work(client);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const { code, message } = error;
    if (!NEVER.includes(code)) throw error;
    log.warn('the mark of this deployment could not be written at the account', { code, message });
    const text = `the mark of this deployment could not be written at the account, and another deployment with the same id would not be noticed: ${message}`;
    return { alone: true, warning: { code: 'NoWriterMark', message: text } };
  }
}

/** Reads the marks in an account. Removes each stale mark of another deployment, and logs a warning. */
async function readMarks(
  { store, writerId, log }: WorkerContext,
  marks: WriterMarks,
  ignoredUntilMs?: number,
) {
  const seen = judgeMarks(await marks.listWriterMarks(), writerId, store.clock.now(), ignoredUntilMs);
  for (const { writerId: gone, renewedAtMs } of seen.stale) {
    log.warn('the mark of another deployment with this id has expired and is removed', {
      writerId: gone,
      seenLast: isoTime(renewedAtMs),
    });
    await marks.removeWriterMark(gone);
  }
  return seen;
}

async function renew(
  { store, writerId }: WorkerContext,
  marks: WriterMarks,
  own: WriterMark | undefined,
): Promise<WriterMark> {
  const nowMs = store.clock.now();
  const mark = { writerId, sinceMs: own?.sinceMs ?? nowMs, renewedAtMs: nowMs };
  await marks.putWriterMark(mark);
  return mark;
}
