import type { Client } from '../../client/index.ts';
import { isClosedOrphan, type Sweep } from '../../functions/model/orphan.ts';
import type { Standing } from '../shell/direct-tables.ts';
import { driversOf, REPAIR, whyUnreadable } from './destroy-fleets.ts';
import {
  type Blocker,
  done,
  enter,
  many,
  pauseIn,
  type Run,
  type StepReport,
  stopped,
} from './destroy-run.ts';
import { keptText } from './kept-text.ts';

const LOOK_MS = 1_000;
const BETWEEN_SWEEPS_MS = 10_000;
/** A cloud's list may still show machines that were just removed. */
const LONGEST_MS = 3 * 60_000;
const MAX_BLOCKERS = 100;

/**
 * Asks each cloud for its list, by a sweep that changes nothing, and goes on when no list shows anything of this
 * deployment. A connection that was never verified has made nothing, and is left out.
 */
export async function awaitEmptyClouds(run: Run): Promise<StepReport> {
  await enter(run, 'clouds');
  const { connections } = await run.tables.readStanding();
  const used = connections.filter(({ verifiedAt, deletion }) => verifiedAt !== undefined && !deletion);
  const drivers = driversOf(run);
  const counts = { connections: used.length };
  const { keptDisks } = await run.tables.readPossessions();
  const unreadable = used.flatMap((one): Blocker[] => {
    const message = whyUnreadable(one, drivers);
    return message === undefined ? [] : [{ namespace: one.namespace, connection: one.name, message }];
  });
  if (unreadable.length > 0) {
    const found = `${many(unreadable.length, 'connection')} cannot be read, so it is not known what the cloud still has`;
    return stopped('clouds', found, REPAIR, unreadable, counts);
  }
  const api = await run.api();
  const endMs = Math.min(run.deadlineMs, run.context.world.now() + LONGEST_MS);
  for (;;) {
    const left: Blocker[] = [];
    const failed: Blocker[] = [];
    for (const connection of used) {
      const sweep = await sweepOnce(run, api, connection);
      if (sweep === 'late') failed.push(blocker(connection, 'the sweep has not ended in time'));
      else collect(sweep, connection, { left, failed });
    }
    if (left.length + failed.length === 0) {
      return done(
        'clouds',
        `${many(used.length, 'connection')}: the clouds list nothing of this deployment${keptText(keptDisks, 'stay')}`,
        { ...counts, keptDisks: keptDisks.length },
      );
    }
    if (run.context.world.now() >= endMs) return report(left, failed, counts);
    run.context.say(`${many(left.length, 'machine or resource')} of this deployment still listed by clouds`);
    await pauseIn(run, 'clouds', BETWEEN_SWEEPS_MS);
  }
}

type Connection = Standing['connections'][number];

const blocker = ({ namespace, name }: Connection, message: string, location?: string): Blocker => ({
  namespace,
  connection: name,
  ...(location === undefined ? {} : { location }),
  message,
});

async function sweepOnce(run: Run, api: Client, { namespace, name }: Connection): Promise<Sweep | 'late'> {
  const { world } = run.context;
  const endMs = world.now() + LONGEST_MS;
  const body = { connection: name, dryRun: true };
  let sweep = await api.sweepOrphans({ params: { namespace }, body });
  while (sweep.status !== 'Done') {
    if (world.now() >= endMs) return 'late';
    await pauseIn(run, 'clouds', LOOK_MS);
    sweep = await api.getSweep({ params: { namespace, sweep: sweep.id } });
  }
  return sweep;
}

function collect(
  { findings, findingsLeftOut, failures }: Sweep,
  connection: Connection,
  { left, failed }: { left: Blocker[]; failed: Blocker[] },
): void {
  for (const { kind, backendId, reason, state, location } of findings) {
    if (!isClosedOrphan(state)) left.push(blocker(connection, `${kind} ${backendId}: ${reason}`, location));
  }
  if (findingsLeftOut > 0) left.push(blocker(connection, `${findingsLeftOut} findings that are not listed`));
  for (const { code, message, location } of failures) {
    failed.push(blocker(connection, `${code}: ${message}`, location));
  }
}

function report(left: Blocker[], failed: Blocker[], counts: Record<string, number>): StepReport {
  if (failed.length > 0) {
    const found = `${many(failed.length, 'list')} could not be read, so it is not known what the cloud still has`;
    return stopped('clouds', found, REPAIR, [...failed, ...left].slice(0, MAX_BLOCKERS), counts);
  }
  return stopped(
    'clouds',
    `the clouds still list ${many(left.length, 'machine or resource')} with the tag or name of this deployment`,
    'See `fleetwright orphans list`. Let sweeps remove what is proven ours (`fleetwright orphans sweep`, `fleetwright orphans continue`), remove the rest by hand, then run this command again. Or run it with --forget.',
    left.slice(0, MAX_BLOCKERS),
    counts,
  );
}
