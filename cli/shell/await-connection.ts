import * as z from 'zod';
import type { Connection } from '../../functions/model/connection.ts';
import type { Flag, Outcome } from './command.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { connectionText } from './show.ts';

const POLL_MS = 1_000;

export const WAIT_FLAGS: readonly Flag[] = [
  ['--wait', 'wait until the work has ended'],
  ['--timeout <seconds>', 'with --wait: maximum time to wait'],
];

export const waitInput = z.object({
  wait: z.boolean().default(false),
  timeout: z.coerce.number().positive().max(604_800).optional(),
});

/**
 * Waits for a connection. The exit code is 0 when the connection is Ready or Disabled and `done` returns
 * true. The exit code is 1 when `refused` returns true, or when the time is over (600 seconds if
 * `timeoutSeconds` is absent). Ctrl-C ends the wait. The API's work on the connection continues.
 */
export async function awaitConnection(
  context: Context,
  first: Connection,
  timeoutSeconds: number | undefined,
  done: (connection: Connection) => boolean,
  refused: (connection: Connection) => boolean = ({ status }) => status === 'Failed',
): Promise<Outcome> {
  const { world } = context;
  const detach = new AbortController();
  const stopListening = world.onInterrupt(() => detach.abort());
  const endsAtMs = world.now() + (timeoutSeconds ?? 600) * 1_000;
  const api = await context.api();
  let connection = first;
  const outcome = (exitCode: ExitCode): Outcome => ({
    document: connection,
    text: connectionText(connection),
    exitCode,
  });
  try {
    for (;;) {
      if (refused(connection)) return outcome(EXIT.otherwise);
      const isSettled = connection.status === 'Ready' || connection.status === 'Disabled';
      if (isSettled && done(connection)) return outcome(EXIT.done);
      if (world.now() >= endsAtMs) {
        context.say(
          `The work has not ended in time, and continues. To see its state, run: fleetwright connection get ${first.name}`,
        );
        return outcome(EXIT.otherwise);
      }
      await world.sleep(POLL_MS, detach.signal);
      if (detach.signal.aborted) {
        context.say(
          `Stopped waiting; the work continues. To see its state, run: fleetwright connection get ${first.name}`,
        );
        return outcome(EXIT.interrupted);
      }
      connection = await api.getConnection({
        params: { namespace: first.namespace, connection: first.name },
      });
    }
  } finally {
    stopListening();
  }
}
