import { DriverError } from '../../drivers/contract/errors.ts';
import { faultsOfAll } from '../../drivers/contract/machine-checks.ts';
import type { Failure } from '../../model/failure.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import { recordVerification } from '../../platform/store/site-verification.ts';
import {
  ACK,
  type MessageResult,
  requeueAs,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { VerifySiteMessage } from '../../platform/workflow/messages.ts';
import { siteNetwork } from './machine-network.ts';
import { refusalOf } from './verify-given.ts';
import { hasGiven, refusalOfMachines } from './verify-machines.ts';

/** Maximum time that a call waits for its permit, in ms. */
const PERMIT_WAIT_MS = 2_000;
const RETRY_MS = 3_000;
/** Time in ms for which a cloud that does not answer is asked again. The other sites of the fleet wait for so long. */
const UNANSWERED_MS = 60_000;

/**
 * Verifies what a fleet names by the cloud's own ids at a site. If something is wrong, nothing is made at any site of the
 * fleet in this round: each placement gets the failure, and this one also the field of each error. Makes and changes
 * nothing at the cloud. A site that the cloud does not answer for stays unverified. Then it is verified again before
 * anything is made there.
 */
export async function verifySite(context: WorkerContext, message: VerifySiteMessage): Promise<MessageResult> {
  const { fleetId, connectionKey, location, round, taskToken } = message;
  const site = { connectionKey, location };
  const placement = await readPlacement(context.store, fleetId, connectionKey, location);
  const finish = async (outcome: 'Verified' | 'Refused' | 'Unknown' | 'Stopped') => {
    await context.tasks.succeed(taskToken, { outcome });
    return ACK;
  };
  if (placement?.launching !== 'on' || placement.round !== round) return await finish('Stopped');
  const nowMs = context.store.clock.now();
  const { untilMs = nowMs + UNANSWERED_MS } = message;
  const found = await ask(context, fleetId, site);
  if ('waitMs' in found) {
    if (nowMs + found.waitMs > untilMs) return await finish('Unknown');
    return requeueAs({ ...message, untilMs }, found.waitMs);
  }
  if ('error' in found) {
    const { code, message: said } = found.error;
    context.log.warn('what a fleet names at a site could not be verified', {
      ...{ fleetId, location, code },
      message: said,
    });
    return await finish('Unknown');
  }
  const [failure] = found.failures;
  if (!failure) {
    await recordVerification(context.store, { fleetId, ...site }, round, 'verified');
    return await finish('Verified');
  }
  // Launches may have begun if the workflow did not wait so long. A launch at this site is verified again.
  if (!(await context.tasks.heartbeat(taskToken))) return ACK;
  await refuse(context, fleetId, site, round, together(found.failures, failure));
  return await finish('Refused');
}

type Found = { failures: Failure[] } | { error: DriverError } | { waitMs: number };

/** Asks the cloud what is wrong at a site. */
async function ask(context: WorkerContext, fleetId: string, site: SiteRef): Promise<Found> {
  try {
    const opened = await context.open(site.connectionKey);
    const chosen = await siteNetwork(context, fleetId, site);
    const ofNetwork = async () => {
      if (chosen.mode !== 'existing') return [];
      const refusal = await refusalOf(opened.onTerms({ waitMs: PERMIT_WAIT_MS }), site, chosen);
      return refusal ? [refusal] : [];
    };
    const ofMachines = async () => {
      const refusal = await refusalOfMachines(context, fleetId, site, opened);
      return refusal ? [refusal] : [];
    };
    return { failures: await faultsOfAll<Failure>([ofNetwork, ofMachines]) };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const { code, retryAfterMs = RETRY_MS } = error;
    const mayPass = ['NoPermit', 'Throttled', 'Unavailable', 'OutcomeUnknown'].includes(code);
    return mayPass ? { waitMs: retryAfterMs } : { error };
  }
}

function together(failures: readonly Failure[], first: Failure): Failure {
  const errors = failures.flatMap((one) => one.errors ?? []);
  return { ...first, ...(errors.length > 0 ? { errors } : {}) };
}

/** Records the failure at each placement of the fleet. The errors of the fields stand at the placement of the site. */
async function refuse(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  round: number,
  failure: Failure,
): Promise<void> {
  const { placements } = await context.layout(fleetId);
  const { code, message } = failure;
  const elsewhere: Failure = { code, message: `nothing was made, because ${message}` };
  for (const { connectionKey, location } of placements) {
    const ref = { fleetId, connectionKey, location };
    const isThis = sameSite(ref, site);
    const outcome = isThis
      ? { failure, of: 'this' as const }
      : { failure: elsewhere, of: 'another' as const };
    await recordVerification(context.store, ref, round, outcome);
  }
}

/**
 * Returns the reason why nothing is made at a site in the round that is going on: something that the fleet names by the
 * cloud's own id, here or at another site, cannot be used. Undefined if there is no such reason.
 */
export async function refusalAt(
  context: WorkerContext,
  fleetId: string,
  { connectionKey, location }: SiteRef,
): Promise<Failure | undefined> {
  const { placements } = await context.layout(fleetId);
  if (!placements.some(hasGiven)) return undefined;
  const placement = await readPlacement(context.store, fleetId, connectionKey, location);
  return placement?.blocked?.code === 'InvalidRequest' ? placement.blocked : undefined;
}

/** Returns true if everything that the fleet names by the cloud's own ids at the site was verified in this round. */
export async function isVerified(
  { store }: WorkerContext,
  fleetId: string,
  { connectionKey, location }: SiteRef,
): Promise<boolean> {
  const placement = await readPlacement(store, fleetId, connectionKey, location);
  return placement !== undefined && placement.verifiedRound === placement.round;
}
