import { describe, expect, it } from 'vitest';
import { launchesIn, repack, together } from '../../../../functions/features/launch-queue/share-message.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  requeueAs,
} from '../../../../functions/platform/worker/context.ts';
import {
  type DriverMessage,
  type LaunchMessage,
  launchMessageSchema,
} from '../../../../functions/platform/workflow/messages.ts';
import { launchOf } from '../one-fleet/one-fleet.ts';

const carrying = launchOf(0, { others: [1, 2] });

async function play(
  results: Readonly<Record<number, MessageResult>>,
  message: LaunchMessage = carrying,
  most = 100,
) {
  const sent: [DriverMessage, number][] = [];
  const send = (one: DriverMessage, waitMs: number) => Promise.resolve(void sent.push([one, waitMs]));
  const result = await repack({ send }, { message }, most, ({ index }) => results[index] ?? ACK);
  return { result, sent };
}

describe('launchesIn', () => {
  it('a message for a range and for further positions has a launch for each position once', () => {
    const message = launchOf(3, { last: 5, others: [9, 4], taskToken: 'chunk', awaits: 2, waitedFor: 7 });
    expect(launchesIn(message)).toEqual([3, 4, 5, 9].map((index) => launchOf(index, { waitedFor: 7 })));
  });

  it('a message of an earlier release, whose further launches have task tokens, is understood', () => {
    const { others: _, ...first } = carrying;
    const earlier = { ...first, taskToken: 'a', others: [{ index: 1, round: 1, taskToken: 'b' }] };
    expect(launchesIn(launchMessageSchema.parse(earlier))).toEqual([launchOf(0), launchOf(1)]);
  });
});

describe('together', () => {
  it('launches with the same wait and the same marks share a message, and others do not', () => {
    const launches = [
      { message: launchOf(0), waitMs: 1_400 },
      { message: launchOf(1), waitMs: 2_000 },
      { message: launchOf(2, { waitedFor: 5 }), waitMs: 2_000 },
      { message: launchOf(3), waitMs: 2_001 },
    ];
    expect(together(launches)).toEqual([
      { message: launchOf(0, { others: [1] }), waitMs: 2_000 },
      { message: launchOf(2, { waitedFor: 5 }), waitMs: 2_000 },
      { message: launchOf(3), waitMs: 2_001 },
    ]);
  });

  it('launches that share a message already are not divided, even if others get a message of their own', () => {
    const call = { message: launchOf(1, { others: [2, 3] }), waitMs: 0 };
    const delayed = [{ message: launchOf(0), waitMs: 0 }, call, { message: launchOf(4), waitMs: 0 }];
    expect(together(delayed, 3).map(({ message: { index, others } }) => [index, others])).toEqual([
      [0, undefined],
      [1, [2, 3]],
      [4, undefined],
    ]);
    expect(together([call], 2)).toEqual([call]);
  });

  it('a message has at most as many positions as the caller allows', () => {
    const launches = [0, 1, 2, 3, 4].map((index) => ({ message: launchOf(index), waitMs: 0 }));
    expect(together(launches, 2).map(({ message: { index, others } }) => [index, others])).toEqual([
      [0, [1]],
      [2, [3]],
      [4, undefined],
    ]);
  });
});

describe('repack', () => {
  it('the message is done when all of its launches are done', async () => {
    expect(await play({})).toEqual({ result: ACK, sent: [] });
  });

  it('launches that wait together stay in the message, and no other is sent', async () => {
    const { result, sent } = await play({ 0: requeueAfter(2_500), 2: requeueAfter(3_000) });
    expect(result).toEqual(requeueAs(launchOf(0, { others: [2] }), 3_000));
    expect(sent).toEqual([]);
  });

  it('launches that wait for different times get different messages', async () => {
    const { result, sent } = await play({ 1: requeueAfter(1_000), 2: requeueAfter(2_000) });
    expect(result).toEqual(requeueAs(launchOf(1), 1_000));
    expect(sent).toEqual([[launchOf(2), 2_000]]);
  });

  it('a launch that becomes another message leaves the ones that do not', async () => {
    const marked = launchOf(1, { waitedFor: 9 });
    const { result, sent } = await play({ 0: requeueAfter(0), 1: requeueAs(marked, 0) });
    expect(result).toEqual(requeueAs(launchOf(0), 0));
    expect(sent).toEqual([[marked, 0]]);
  });

  it('a message that takes launches of another one along is sent, because the other one is acknowledged', async () => {
    const both = launchOf(0, { others: [7] });
    const { result, sent } = await play({ 0: requeueAs(both, 2_000) });
    expect(result).toEqual(ACK);
    expect(sent).toEqual([[both, 2_000]]);
  });

  it('a message with a task token is done when its launches have messages without that token', async () => {
    const chunk = launchOf(0, { last: 2, taskToken: 'chunk' });
    const { result, sent } = await play({ 0: requeueAfter(0), 1: requeueAfter(0) }, chunk);
    expect(result).toEqual(ACK);
    expect(sent).toEqual([[launchOf(0, { others: [1] }), 0]]);
  });
});
