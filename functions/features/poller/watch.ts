import type { DriverName } from '../../model/connection.ts';
import { listLoops, POLL_OVERDUE_MS, startLoop } from '../../platform/store/loops.ts';
import type { Store } from '../../platform/store/store.ts';
import type { PollMessage } from '../../platform/workflow/messages.ts';

/**
 * Sends one poll message for each site that may have instances or queued launches, if the site's poll loop is
 * not running. Also restarts a loop whose poll is overdue. A schedule calls this each minute.
 *
 * @returns number of polls that were sent
 */
export async function watchSites(
  store: Store<'governor'>,
  drivers: readonly DriverName[],
  send: (driver: DriverName, messages: readonly PollMessage[]) => Promise<void>,
): Promise<number> {
  let sent = 0;
  for (const driver of drivers) {
    const nowMs = store.clock.now();
    const resting = (await listLoops(store, driver)).filter(
      ({ active, nextPollAtMs }) => !active || nextPollAtMs < nowMs - POLL_OVERDUE_MS,
    );
    const polls = await Promise.all(
      resting.map(async ({ connectionKey, location }): Promise<PollMessage[]> => {
        // The loop ends after one poll that sees nothing in transition. If a worker later writes something
        // that needs polls, that worker or the next run of this schedule starts the loop.
        const generation = await startLoop(store, { driver, connectionKey, location }, nowMs, 1);
        return generation === undefined ? [] : [{ kind: 'poll', connectionKey, location, generation }];
      }),
    );
    await send(driver, polls.flat());
    sent += polls.flat().length;
  }
  return sent;
}
