import type { DriverName } from '../../model/connection.ts';
import type { Store } from '../../platform/store/client.ts';
import { LOOK_OVERDUE_MS, listLoops, startLoop } from '../../platform/store/loops.ts';
import type { LookMessage } from '../../platform/workflow/messages.ts';

/**
 * Each minute: one look at every place that has something, and whose loop is not under way. This also starts loops
 * again that were lost.
 *
 * @returns how many looks were sent
 */
export async function watchPlaces(
  store: Store<'governor'>,
  drivers: readonly DriverName[],
  send: (driver: DriverName, messages: readonly LookMessage[]) => Promise<void>,
): Promise<number> {
  let sent = 0;
  for (const driver of drivers) {
    const nowMs = store.clock.now();
    const resting = (await listLoops(store, driver)).filter(
      ({ active, nextLookAtMs }) => !active || nextLookAtMs < nowMs - LOOK_OVERDUE_MS,
    );
    const looks = await Promise.all(
      resting.map(async ({ connectionKey, location }): Promise<LookMessage[]> => {
        // One quiet look is enough here: what is written from now on starts the loop anew, or is seen in a minute.
        const generation = await startLoop(store, { driver, connectionKey, location }, nowMs, 1);
        return generation === undefined ? [] : [{ kind: 'look', connectionKey, location, generation }];
      }),
    );
    await send(driver, looks.flat());
    sent += looks.flat().length;
  }
  return sent;
}
