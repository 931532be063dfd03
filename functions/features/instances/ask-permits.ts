import type { Failure } from '../../model/failure.ts';
import { instanceId } from '../../model/identifiers.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { permitCreates } from '../../platform/governor/permit-creates.ts';
import { governed, type SiteRef, type WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { wantedCreate } from './describe-create.ts';
import { machinesPerCall } from './machines-per-call.ts';

/** The governor's decisions about attempts at one site. */
export interface Permits {
  granted: Attempt[];
  /** Attempts that hold a slot, and whose create calls may be sent after `waitMs`. */
  scheduled: (Attempt & { waitMs: number; call?: string })[];
  queued: Attempt[];
  denied: (Attempt & { failure: Failure })[];
  wanted: Map<string, WantedCreate>;
  /** The call that each granted attempt shares with the others of the same call, by instance id; see `CreateDecision`. */
  calls: Map<string, string>;
  turn: number;
  /** Time at which the governor counted the calls of the granted attempts, in ms since 1970. */
  decidedAtMs: number;
  /** True if the site has a block (outage, capacity or quota) that a successful create would clear. */
  isBlocked: boolean;
}

/** Asks the governor once for the permits of all attempts. */
export async function askPermits(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
): Promise<Permits> {
  const permits: Permits = {
    granted: [],
    scheduled: [],
    queued: [],
    denied: [],
    wanted: new Map(),
    calls: new Map(),
    turn: 0,
    decidedAtMs: context.store.clock.now(),
    isBlocked: false,
  };
  if (attempts.length === 0) return permits;
  const opened = await context.open(site.connectionKey);
  const machines = machinesPerCall(opened, site.location);
  const wanted = await Promise.all(attempts.map((one) => wantedCreate(context, one, machines)));
  const answer = await permitCreates(context.store, governed(site, opened), wanted);
  permits.wanted = new Map(wanted.map((one) => [one.instanceId, one]));
  permits.turn = answer.turn;
  permits.decidedAtMs = answer.decidedAtMs;
  permits.isBlocked = answer.isBlocked;
  const nowMs = context.store.clock.now();
  for (const one of attempts) {
    const decision = answer.decisions.get(instanceId(one.message));
    switch (decision?.action) {
      case 'allow':
        permits.granted.push(decision.zone === undefined ? one : { ...one, zone: decision.zone });
        if (decision.call !== undefined) permits.calls.set(instanceId(one.message), decision.call);
        if (decision.zone !== undefined) noteZone(permits.wanted, instanceId(one.message), decision.zone);
        break;
      case 'scheduleAt':
        permits.scheduled.push({
          ...one,
          waitMs: decision.startMs - nowMs,
          ...(decision.call === undefined ? {} : { call: decision.call }),
        });
        break;
      case 'queue':
        permits.queued.push(one);
        break;
      case 'deny':
        permits.denied.push({ ...one, failure: decision.failure });
        break;
      // Does not occur, because the governor decides about every attempt in the request.
      case undefined:
        break;
    }
  }
  return permits;
}

/** Notes the zone that the governor chose, so that the feedback about the call concerns that zone. */
function noteZone(wanted: Permits['wanted'], id: string, zone: string): void {
  const known = wanted.get(id);
  if (known) wanted.set(id, { ...known, zone });
}
