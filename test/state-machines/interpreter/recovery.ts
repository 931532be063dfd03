import type { Catcher, Json, Retrier } from './definition.ts';
import { matches, StatesError } from './errors.ts';
import { fill } from './expressions.ts';
import { contextOf, pause, type Visit, wait } from './run.ts';

/** The output of a state and the name of the next state. The graph ends if `next` is undefined. */
export interface Left {
  output: Json;
  next: string | undefined;
}

interface Recovering {
  Retry?: Retrier[] | undefined;
  Catch?: Catcher[] | undefined;
}

/** Returns the delay in ms of a retry after `used` earlier retries by the same retrier. */
function delayMs(retrier: Retrier, used: number, random: () => number): number {
  const { IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy } = retrier;
  const seconds = Math.min(
    IntervalSeconds * BackoffRate ** used,
    MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
  );
  return seconds * 1_000 * (JitterStrategy === 'FULL' ? random() : 1);
}

/**
 * Runs `attempt` with a state's Retry and Catch. If `attempt` fails, the first retrier that matches the error
 * decides whether to retry. Each retrier counts its own retries. If there is no matching retrier, or its
 * retries are used up, the first catcher that matches handles the error.
 */
export async function withRecovery(
  state: Recovering,
  visit: Visit,
  attempt: () => Promise<Left>,
): Promise<Left> {
  const used = new Map<Retrier, number>();
  const { run } = visit;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StatesError)) throw error;
      if (error.name === 'States.QueryEvaluationError') run.history.add('EvaluationFailed');
      const retrier = state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, error.name));
      const count = retrier ? (used.get(retrier) ?? 0) : 0;
      if (retrier && count < retrier.MaxAttempts) {
        used.set(retrier, count + 1);
        await pause(run, delayMs(retrier, count, run.host.services.random));
        const { transition } = run.host.services;
        if (transition) await wait(run, transition());
        visit.retryCount += 1;
        run.history.retry();
        continue;
      }
      const catcher = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, error.name));
      if (!catcher) throw error;
      const errorOutput = { Error: error.name, Cause: error.message };
      const output =
        catcher.Output === undefined
          ? errorOutput
          : await fill(catcher.Output, { input: visit.input, context: contextOf(visit), errorOutput });
      return { output, next: catcher.Next };
    }
  }
}
