import { ApiProblem, ApiUnreachable } from '../../client/index.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { FleetStatus } from '../../functions/model/status.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { type Goal, ProgressPrinter } from './progress.ts';

const POLL_MS = 2_000;
/** If the API cannot be reached for this time, in ms, the command ends with an error. */
const PATIENCE_MS = 60_000;

/** True for the statuses of a fleet that is being launched, held or rolled back. */
const IS_COMING_UP: Readonly<Record<FleetStatus, boolean>> = {
  Preparing: true,
  Held: true,
  Creating: true,
  Running: false,
  PartiallyRunning: false,
  Suspended: false,
  Terminating: false,
  Terminated: false,
  RollingBack: true,
  RolledBack: false,
  Failed: false,
};

const REFINABLE: ReadonlySet<FleetStatus> = new Set(['PartiallyRunning', 'Failed']);

export interface Followed {
  /** The fleet when it was last read. Undefined if no read succeeded. */
  fleet: Fleet | undefined;
  exitCode: ExitCode;
}

/**
 * Prints a fleet's progress until the goal is reached or can no longer be reached. Ctrl-C ends only the
 * printing. The API's work on the fleet continues.
 *
 * @param fleetId id of the fleet; not its name, because a new fleet may get the name while the command runs
 */
export async function follow(
  context: Context,
  fleetId: string,
  goal: Goal,
  timeoutSeconds: number | undefined,
): Promise<Followed> {
  const { world } = context;
  const detach = new AbortController();
  const stopListening = world.onInterrupt(() => detach.abort());
  const printer = new ProgressPrinter(world.stderr, goal);
  const againBy =
    goal === 'gone' ? `fleetwright fleet delete ${fleetId} --wait` : `fleetwright fleet wait ${fleetId}`;
  const endsAtMs = world.now() + (timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
  let reachedAtMs = world.now();
  let fleet: Fleet | undefined;
  try {
    for (;;) {
      try {
        fleet = await (await context.api()).getFleet({
          params: { namespace: await context.namespace(), fleet: fleetId },
          signal: detach.signal,
        });
        reachedAtMs = world.now();
        if (!detach.signal.aborted) printer.show(fleet, reachedAtMs);
        const exitCode = endOf(fleet, goal);
        if (exitCode !== undefined) return { fleet, exitCode };
      } catch (error) {
        if (!detach.signal.aborted) {
          if (goal === 'gone' && error instanceof ApiProblem && error.status === 404) {
            return { fleet, exitCode: EXIT.done };
          }
          const transient =
            error instanceof ApiUnreachable || (error instanceof ApiProblem && error.status >= 500);
          if (!transient || world.now() - reachedAtMs > PATIENCE_MS) throw error;
          printer.note(`${error.message}; the command tries again`);
        }
      }
      if (!detach.signal.aborted) await world.sleep(Math.min(POLL_MS, endsAtMs - world.now()), detach.signal);
      if (detach.signal.aborted) {
        printer.note(`Stopped watching; the work continues. To watch it again, run: ${againBy}`);
        if (goal !== 'gone') printer.note(`To delete the fleet, run: fleetwright fleet delete ${fleetId}`);
        return { fleet, exitCode: EXIT.interrupted };
      }
      if (world.now() >= endsAtMs) {
        printer.note(
          `The work has not ended after ${timeoutSeconds} s, and continues. To wait longer, run: ${againBy}`,
        );
        return { fleet, exitCode: EXIT.otherwise };
      }
    }
  } finally {
    stopListening();
  }
}

function endOf({ status, allowedActions }: Fleet, goal: Goal): ExitCode | undefined {
  switch (goal) {
    case 'gone':
      return status === 'Terminated' || status === 'RolledBack' ? EXIT.done : undefined;
    case 'up':
      if (status === 'Running') return EXIT.done;
      return IS_COMING_UP[status] ? undefined : EXIT.otherwise;
    case 'settled':
      if (IS_COMING_UP[status]) return undefined;
      return status === 'Terminating' || status === 'Terminated' ? EXIT.otherwise : EXIT.done;
    case 'refined':
      if (status === 'Running') return EXIT.done;
      // While failed instances are being removed, the fleet keeps its status and allows no action.
      return IS_COMING_UP[status] || (allowedActions.length === 0 && REFINABLE.has(status))
        ? undefined
        : EXIT.otherwise;
  }
}
