import { expect, it } from 'vitest';
import { sendTogether } from '../../../../functions/features/launch-queue/send-together.ts';
import type { DriverMessage } from '../../../../functions/platform/workflow/messages.ts';
import { launchOf } from '../one-fleet/one-fleet.ts';

function makeQueue() {
  const sent: [DriverMessage, number][] = [];
  const send = (one: DriverMessage, waitMs: number) => Promise.resolve(void sent.push([one, waitMs]));
  return { send, sent };
}

it('launches of one site are sent in one message when the work ends', async () => {
  const { send, sent } = makeQueue();
  const answer = await sendTogether({ send }, async (collect) => {
    await collect(launchOf(0));
    await collect({ ...launchOf(1), location: 'west' });
    await collect(launchOf(2));
    expect(sent).toEqual([]);
    return 'done';
  });
  expect(answer).toBe('done');
  expect(sent).toEqual([
    [launchOf(0, { others: [2] }), 0],
    [{ ...launchOf(1), location: 'west' }, 0],
  ]);
});

it('launches that were collected before an error are sent', async () => {
  const { send, sent } = makeQueue();
  const broken = sendTogether({ send }, async (collect) => {
    await collect(launchOf(0));
    throw new Error('the table is down');
  });
  await expect(broken).rejects.toThrow('the table is down');
  expect(sent).toEqual([[launchOf(0), 0]]);
});
