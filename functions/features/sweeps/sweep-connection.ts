import pLimit from 'p-limit';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { allLocations } from '../../platform/store/catalogue.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { loopLocations } from '../../platform/store/loops.ts';
import { orphanLocations } from '../../platform/store/orphans.ts';
import { writeSweepConnection } from '../../platform/store/sweeps.ts';
import { ACK, type MessageResult, type WorkerContext } from '../../platform/worker/context.ts';
import type { SweepConnectionMessage, SweepMessage } from '../../platform/workflow/messages.ts';
import { watchWriters } from './watch-writers.ts';

const CONCURRENT_SENDS = 10;
/** Scheduled sweeps are spread over this time, in ms, to leave part of the rate limits to other calls. */
const SPREAD_MS = 60_000;

/**
 * Sends a sweep message for each site where a connection may have resources. These sites are at the locations
 * of the connection's catalogue that the cloud does not deny, at locations that ever had a poll loop, and at locations with findings. If
 * the message is delivered twice, the sites are swept twice.
 */
export async function sweepConnection(
  context: WorkerContext,
  { connectionKey, sweepId, dryRun }: SweepConnectionMessage,
): Promise<MessageResult> {
  const { store, driver } = context;
  const ref = parseConnectionKey(connectionKey);
  const { name } = ref;
  const connection = await readConnectionOf(store, ref);
  const exists = connection !== undefined;
  const locations = exists
    ? new Set([
        ...(await allLocations(store, connectionKey)).flatMap(({ name, unavailable }) =>
          unavailable ? [] : [name],
        ),
        ...(await loopLocations(store, driver.name, connectionKey)),
        ...(await orphanLocations(store, connectionKey)),
      ])
    : new Set<string>();
  if (sweepId !== undefined) {
    await writeSweepConnection(store, sweepId, {
      connection: name,
      locations: [...locations],
      ...(exists
        ? {}
        : { failure: { code: 'NotFound', message: `the namespace has no connection ${name}` } }),
    });
  }
  // The deletion of a connection removes the mark by which other deployments see that this deployment uses
  // the cloud account. The mark must not be written again.
  if (connection && !connection.deletion && !dryRun) await watchWriters(context, connectionKey);
  const limit = pLimit(CONCURRENT_SENDS);
  const send = (location: string) => {
    const message: SweepMessage = {
      kind: 'sweep',
      connectionKey,
      location,
      dryRun,
      round: 0,
      ...(sweepId === undefined ? {} : { sweepId }),
    };
    return context.send(message, sweepId === undefined ? store.random() * SPREAD_MS : 0);
  };
  await Promise.all([...locations].map((location) => limit(() => send(location))));
  return ACK;
}
