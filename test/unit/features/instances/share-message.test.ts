import { expect, it } from 'vitest';
import { repack, unpack } from '../../../../functions/features/instances/share-message.ts';
import { ACK, type MessageResult, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import type { DriverMessage, LaunchMessage } from '../../../../functions/platform/workflow/messages.ts';
import { launchOf } from '../one-fleet/one-fleet.ts';

const other = (index: number) => ({ index, round: 1, taskToken: `token-${index}` });
const carrying = launchOf(0, { others: [other(1), other(2)] });

async function play(results: Readonly<Record<number, MessageResult>>) {
  const sent: [DriverMessage, number][] = [];
  const [one] = unpack([{ message: carrying }]);
  if (!one) throw new Error('nothing was unpacked');
  const send = (message: DriverMessage, waitMs: number) => Promise.resolve(void sent.push([message, waitMs]));
  const result = await repack({ send }, one, ({ index }: LaunchMessage) => results[index] ?? ACK);
  return { result, sent };
}

it('a message that carries further launches is unpacked into one launch for each', () => {
  const [one] = unpack([{ message: carrying }]);
  expect(one?.launch.message).toEqual(launchOf(0));
  expect(one?.others).toEqual([launchOf(1), launchOf(2)]);
});

it('the message is done when all of its launches are done', async () => {
  expect(await play({})).toEqual({ result: ACK, sent: [] });
});

it('launches that wait together stay in one message, with the longest wait', async () => {
  const { result, sent } = await play({ 0: requeueAfter(1_000), 2: requeueAfter(3_000) });
  expect(result).toEqual({ done: false, waitMs: 3_000, as: launchOf(0, { others: [other(2)] }) });
  expect(sent).toEqual([]);
});

it('a launch that waits alone goes on without the launches that are done', async () => {
  const { result, sent } = await play({ 0: requeueAfter(1_000) });
  expect(result).toEqual({ done: false, waitMs: 1_000, as: launchOf(0) });
  expect(sent).toEqual([]);
});

it('each launch that waits without the first one gets a message of its own', async () => {
  const { result, sent } = await play({ 1: requeueAfter(1_000), 2: requeueAfter(2_000) });
  expect(result).toEqual(ACK);
  expect(sent).toEqual([
    [launchOf(1), 1_000],
    [launchOf(2), 2_000],
  ]);
});
