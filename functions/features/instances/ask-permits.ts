import type { Failure } from '../../model/failure.ts';
import { instanceId } from '../../model/identifiers.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { permitCreates } from '../../platform/governor/permit-creates.ts';
import { governed, type PlaceRef, type WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { wantedCreate } from './wanted-create.ts';

/** What the governor says to each of several attempts at one place. */
export interface Permits {
  granted: Attempt[];
  /** They have a slot; their calls go out after that time. */
  later: (Attempt & { waitMs: number })[];
  waiting: Attempt[];
  barred: (Attempt & { failure: Failure })[];
  wanted: Map<string, WantedCreate>;
  turn: number;
  /** Whether something is known of the place that a call which succeeds disproves. */
  isBarred: boolean;
}

/** Asks for the permits of all of them at once. */
export async function askPermits(
  context: WorkerContext,
  place: PlaceRef,
  attempts: readonly Attempt[],
): Promise<Permits> {
  const permits: Permits = {
    granted: [],
    later: [],
    waiting: [],
    barred: [],
    wanted: new Map(),
    turn: 0,
    isBarred: false,
  };
  if (attempts.length === 0) return permits;
  const opened = await context.open(place.connectionKey);
  const wanted = await Promise.all(attempts.map((one) => wantedCreate(context, place, one)));
  const answer = await permitCreates(context.store, governed(place, opened), wanted);
  permits.wanted = new Map(wanted.map((one) => [one.instanceId, one]));
  permits.turn = answer.turn;
  permits.isBarred = answer.isBarred;
  const nowMs = context.store.clock.now();
  for (const one of attempts) {
    const verdict = answer.verdicts.get(instanceId(one.message));
    switch (verdict?.say) {
      case 'go':
        permits.granted.push(one);
        break;
      case 'later':
        permits.later.push({ ...one, waitMs: verdict.startMs - nowMs });
        break;
      case 'wait':
        permits.waiting.push(one);
        break;
      case 'no':
        permits.barred.push({ ...one, failure: verdict.failure });
        break;
      // Each that was asked for has one.
      case undefined:
        break;
    }
  }
  return permits;
}
