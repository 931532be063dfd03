import type { Sweep } from '../../functions/model/orphan.ts';
import type { Outcome } from './command.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit.ts';

const POLL_MS = 1_000;
const TIMEOUT_SECONDS = 600;

/**
 * Waits until every site of a sweep has been swept, and prints the number of swept sites. Ctrl-C ends the
 * wait. The sweep continues.
 */
export async function awaitSweep(
  context: Context,
  first: Sweep,
  timeoutSeconds: number | undefined,
  textOf: (sweep: Sweep) => string,
): Promise<Outcome> {
  const { world } = context;
  const detach = new AbortController();
  const stopListening = world.onInterrupt(() => detach.abort());
  const endsAtMs = world.now() + (timeoutSeconds ?? TIMEOUT_SECONDS) * 1_000;
  const api = await context.api();
  const again = `fleetwright orphans get ${first.id}`;
  let sweep = first;
  let told = '';
  const outcome = (exitCode: ExitCode): Outcome => ({ document: sweep, text: textOf(sweep), exitCode });
  try {
    for (;;) {
      const { found, done, failed } = sweep.places;
      const line = `${done + failed} of ${found} sites swept, ${sweep.findings.length} findings`;
      if (line !== told) context.say(line);
      told = line;
      if (sweep.status === 'Done') return outcome(sweep.failures.length > 0 ? EXIT.otherwise : EXIT.done);
      if (world.now() >= endsAtMs) {
        context.say(`The sweep has not ended in time, and continues. To see its state, run: ${again}`);
        return outcome(EXIT.otherwise);
      }
      await world.sleep(POLL_MS, detach.signal);
      if (detach.signal.aborted) {
        context.say(`Stopped waiting; the sweep continues. To see its state, run: ${again}`);
        return outcome(EXIT.interrupted);
      }
      sweep = await api.getSweep({ params: { namespace: first.namespace, sweep: first.id } });
    }
  } finally {
    stopListening();
  }
}
