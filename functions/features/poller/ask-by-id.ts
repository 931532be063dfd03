import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { timeLeftMs } from '../../platform/worker/context.ts';
import { isBoundTo, proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { compare, lastCallMs } from './compare.ts';
import { type Finding, lacksReason, NONE, whenGone } from './finding.ts';
import type { Found, Poll } from './poll.ts';

/**
 * Maximum time that a call about one machine waits for its permit, in ms. If no permit comes in this time, a
 * later poll reads the machine.
 */
const PERMIT_WAIT_MS = 4_000;
/**
 * Maximum number of machines that one poll reads for their reasons, and of those that it reads although the list may be
 * late. Later polls read the other machines.
 */
const MOST_REASONS = 40;
const MOST_EARLY = 10;
/** Delay in ms after which an early answer "not found" has to be repeated before it counts. */
const REPEAT_MS = 1_000;

/**
 * Reads single machines by id where the list does not suffice, and compares their records with the answers.
 *
 * - The list does not show a machine. A list may leave out a machine that exists. Only the cloud's answer about that
 *   one machine proves that the machine no longer exists.
 * - The list shows that a machine failed or is going, and gives no reason.
 *
 * @returns the findings after these answers
 */
export async function askById(poll: Poll, listed: readonly Found[]): Promise<Found[]> {
  const early = listed.filter(({ finding }) => finding.action === 'confirm' && finding.isEarly);
  const mute = listed.filter(({ finding }) => lacksReason(finding));
  const late = new Set([...early.slice(MOST_EARLY), ...mute.slice(MOST_REASONS)]);
  const found = await Promise.all(
    listed.map(async (one): Promise<Found[]> => {
      const { record, finding } = one;
      const { backendId } = record;
      if (late.has(one)) return [{ record, finding: NONE }];
      if (finding.action === 'confirm') {
        const answer = await confirm(poll, record, finding);
        return [one, ...(answer ? [{ record, finding: answer }] : [])];
      }
      if (backendId === undefined || !lacksReason(finding)) return [one];
      return [{ record, finding: await withReason(poll, record, backendId, finding) }];
    }),
  );
  return found.flat();
}

/**
 * Reads a machine that the list does not show.
 *
 * @returns undefined if the cloud does not answer now, or if it is uncertain to which attempt the machine
 *   belongs
 */
async function confirm(
  poll: Poll,
  record: InstanceItem,
  { backendId, isEarly }: Extract<Finding, { action: 'confirm' }>,
): Promise<Finding | undefined> {
  const { driver, store } = poll.context;
  const terms = proofTerms(driver, poll.opened.client);
  const isProven = () => !isEarly || isReadable(poll, record);
  try {
    const machine = await read(poll, backendId);
    const nowMs = store.clock.now();
    const shown = { machine, location: poll.site.location, atMs: nowMs };
    if (isBoundTo(record, shown, terms)) return compare(record, machine, nowMs, driver.consistencyWindowMs);
    // A machine that is proven to be a copy has taken over the backend id. The record's own machine no longer
    // exists.
    return isProven() && proveMachine(shown, record, terms) === 'copy' ? whenGone(record, nowMs) : undefined;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code !== 'NotFound' || !isProven()) return undefined;
    if (isEarly && !(await isStillMissing(poll, backendId))) return undefined;
    return whenGone(record, store.clock.now());
  }
}

/**
 * Returns true if the cloud would now find a machine by its id. A cloud may answer "not found" shortly after a create
 * call, but not after it has shown the machine.
 */
function isReadable({ context: { driver, store } }: Poll, record: InstanceItem): boolean {
  const { readableAfterMs = driver.consistencyWindowMs } = driver;
  return record.runningAt !== undefined || store.clock.now() >= lastCallMs(record) + readableAfterMs;
}

async function isStillMissing(poll: Poll, backendId: string): Promise<boolean> {
  await poll.context.store.clock.sleep(REPEAT_MS);
  try {
    await read(poll, backendId);
    return false;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return error.code === 'NotFound';
  }
}

/**
 * Reads a machine that failed or is going, because the list gives no reason. If the cloud gives none either, the
 * finding stays as it is. If no permit comes, a later poll reads the machine.
 */
async function withReason(
  poll: Poll,
  record: InstanceItem,
  backendId: string,
  finding: Finding,
): Promise<Finding> {
  const { driver, store } = poll.context;
  try {
    const machine = await read(poll, backendId);
    const nowMs = store.clock.now();
    const shown = { machine, location: poll.site.location, atMs: nowMs };
    if (!isBoundTo(record, shown, proofTerms(driver, poll.opened.client))) return finding;
    const told = compare(record, machine, nowMs, driver.consistencyWindowMs);
    return told.action === 'none' ? finding : told;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return error.code === 'NoPermit' ? NONE : finding;
  }
}

async function read({ context, site, opened }: Poll, backendId: string): Promise<CloudInstance> {
  const waitMs = Math.min(PERMIT_WAIT_MS, timeLeftMs(context) / 4);
  return await opened.onTerms({ waitMs }).getInstance(site.location, backendId);
}
