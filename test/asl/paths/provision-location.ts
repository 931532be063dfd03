import { DRIVER_ERROR_CODES } from '../../../functions/drivers/contract/errors.ts';
import { LAUNCH_ABANDONED } from '../../../functions/platform/workflow/messages.ts';
import { FLEET_ID, QUEUE_URL } from '../../state-machines/assignment-builder.ts';
import type { Json } from '../../state-machines/interpreter/definition.ts';
import { allGood } from '../../state-machines/world.ts';
import type { Path } from '../path.ts';
import { always, failure, TIMEOUT_SECONDS } from './surroundings.ts';

const FAILURES = [...DRIVER_ERROR_CODES, LAUNCH_ABANDONED];

const inputOf = (count: number, more: Record<string, Json> = {}): Json => ({
  fleetId: FLEET_ID,
  connectionKey: 'research#production-aws',
  location: 'eu-west-1',
  queueUrl: QUEUE_URL,
  first: 10,
  last: 10 + count - 1,
  round: 1,
  concurrentInstances: 4,
  timeoutSeconds: TIMEOUT_SECONDS,
  ...more,
});
const machine = 'provision-location';
const invocations = {};
const ended = (count: number, running: number) =>
  ({ status: 'SUCCEEDED', output: { count, running } }) as const;

export const PROVISION_LOCATION: readonly Path[] = [
  {
    id: 'launches',
    title: 'each position gets a message, and the output counts the instances that run',
    machine,
    surround: () => ({ assignment: null, input: inputOf(6) }),
    expected: { outcome: ended(6, 6), messages: { launch: 6 }, invocations },
  },
  {
    id: 'one-launch',
    title: 'a location may have a single position',
    machine,
    surround: () => ({ assignment: null, input: inputOf(1) }),
    expected: { outcome: ended(1, 1), messages: { launch: 1 }, invocations },
  },
  {
    id: 'launch-failures',
    title: 'a launch that fails with a code of a driver, or as abandoned, is not sent again',
    machine,
    surround: () => ({
      assignment: null,
      input: inputOf(FAILURES.length),
      answer: (message) =>
        message.kind === 'launch' ? failure(FAILURES[message.index - 10] ?? '') : allGood(message),
    }),
    expected: {
      outcome: ended(FAILURES.length, 0),
      messages: { launch: FAILURES.length },
      invocations,
    },
  },
  {
    id: 'recorded-outcomes',
    title: 'a worker may complete a launch with the outcome Failed or Cancelled',
    machine,
    surround: () => ({
      assignment: null,
      input: inputOf(4),
      answer: (message) => {
        if (message.kind !== 'launch') return allGood(message);
        const outcome = ['Running', 'Failed', 'Cancelled', 'Running'][message.index - 10] ?? '';
        return { afterMs: 1_000, success: { outcome } };
      },
    }),
    expected: { outcome: ended(4, 2), messages: { launch: 4 }, invocations },
  },
  {
    id: 'give-up',
    title: 'a launch without an answer is given up, and the worker decides what became of it',
    machine,
    surround: () => ({
      assignment: null,
      input: inputOf(3),
      answer: (message) => {
        if (message.kind === 'launch') return message.index === 11 ? allGood(message) : undefined;
        const outcome = 'index' in message && message.index === 10 ? 'Running' : 'Failed';
        return { afterMs: 1_000, success: { outcome } };
      },
    }),
    expected: { outcome: ended(3, 2), messages: { launch: 3, 'give-up': 2 }, invocations },
  },
  {
    id: 'no-answer-at-all',
    title: 'an instance is left to the sweep if no worker completes either task',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: null,
      input: inputOf(2),
      answer: (message) => ('index' in message && message.index === 10 ? undefined : allGood(message)),
    }),
    expected: { outcome: ended(2, 1), messages: { launch: 2, 'give-up': 2 }, invocations },
  },
  {
    id: 'heartbeats',
    title: 'a launch that waits for its permit lives as long as a worker sends heartbeats',
    machine,
    surround: () => ({
      assignment: null,
      input: inputOf(1),
      answer: always('launch', {
        afterMs: 1_800_000,
        beatEveryMs: 300_000,
        success: { outcome: 'Running' },
      }),
    }),
    expected: { outcome: ended(1, 1), messages: { launch: 1 }, invocations },
  },
  {
    id: 'refused-launches',
    title: 'a launch that the queue refuses is sent again',
    machine,
    surround: () => ({ assignment: null, input: inputOf(2), refusedMessages: 3 }),
    expected: { outcome: ended(2, 2), messages: { launch: 2 }, invocations },
  },
  {
    id: 'unknown-error',
    title: 'a launch that keeps failing with a name that no driver has is sent seven times, and given up',
    machine,
    repeatsTasks: true,
    surround: () => ({
      assignment: null,
      input: inputOf(1),
      answer: always('launch', failure('Sandbox.Timedout')),
    }),
    expected: { outcome: ended(1, 0), messages: { launch: 7, 'give-up': 1 }, invocations },
  },
];
