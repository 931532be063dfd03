import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchSites } from '../../../../functions/features/poller/watch.ts';
import { POLL_OVERDUE_MS } from '../../../../functions/platform/store/loops.ts';
import type { PollMessage } from '../../../../functions/platform/workflow/messages.ts';
import { EAST, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open();
  await fleet.handle(launchOf(0));
});
afterEach(() => fleet.end());

async function watch(): Promise<readonly PollMessage[]> {
  const sent: PollMessage[] = [];
  await watchSites(fleet.store, ['sim'], async (_driver, polls) => void sent.push(...polls));
  return sent;
}

describe('watchSites', () => {
  it('watchSites sends no poll to a site whose poll loop is on time', async () => {
    expect(await watch()).toEqual([]);
  });

  it('watchSites restarts a poll loop whose message is overdue, and the worker drops the old message', async () => {
    const [lost] = fleet.sent('poll');
    fleet.nowMs += POLL_OVERDUE_MS + 5_000;
    const [poll, ...others] = await watch();
    expect(others).toEqual([]);
    expect(poll).toMatchObject({ kind: 'poll', ...EAST });
    if (lost) await fleet.handle(lost);
    expect(fleet.history.filter((one) => one.startsWith('list'))).toEqual([]);
    if (poll) await fleet.handle(poll);
    expect(fleet.history.filter((one) => one.startsWith('list'))).toHaveLength(1);
  });

  it('if the poll loop of a site has ended, watchSites sends a poll only if the site has instances', async () => {
    await fleet.until(() => fleet.outcomes.size > 0);
    await fleet.poll();
    await fleet.poll();
    expect(await watch()).toHaveLength(1);
    fleet.putRecord({ ...(await fleet.claimed()), status: 'Terminated' });
    fleet.cloud.vanish(fleet.cloud.made[0]);
    await fleet.poll();
    await fleet.poll();
    expect(await watch()).toEqual([]);
  });
});
