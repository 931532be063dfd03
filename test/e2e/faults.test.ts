import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  Audit,
  addFaults,
  clearFaults,
  client,
  deleteFleet,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  stack,
  untilUp,
} from './deployed.ts';

afterEach(clearFaults);

const SIX_PLACES = (name: string) =>
  request(
    name,
    group('sim-aws', 12, ['us-east-1', 'us-west-2', 'eu-west-1']),
    group('sim-gcp', 8, ['us-central1', 'europe-west1']),
    group('sim-azure', 4, ['westeurope']),
  );

async function launch(name: string): Promise<string> {
  return (await client.createFleet({ params: { namespace }, body: SIX_PLACES(name) })).id;
}

describe('clouds that fail', () => {
  it('lose replies, throttle and err, and have each instance once all the same', async () => {
    const audit = await Audit.begin();
    await addFaults(
      { call: 'create', kind: 'loseReplyAfterEffect', probability: 0.3, count: 8 },
      { call: 'create', kind: 'loseReplyBeforeEffect', probability: 0.3, count: 5 },
      { call: 'create', kind: 'throttle', probability: 0.3, count: 5 },
      { call: 'ensure', kind: 'error', probability: 0.5, count: 3 },
    );
    const id = await launch('e2e-faults');
    expect(await untilUp(id)).toMatchObject({ status: 'Running', counts: { Running: 24 } });
    expect(await audit.verdict([id])).toMatchObject({ running: 24, leaked: [], duplicated: [] });
    await clearFaults();
    await addFaults({ call: 'terminate', kind: 'loseReplyAfterEffect', probability: 0.5, count: 6 });
    await deleteFleet(id);
    expect((await audit.books()).remaining()).toBe(0);
  }, 240_000);
});

describe('workers that are killed', () => {
  // Finding them takes Linux's /proc.
  it.skipIf(!existsSync('/proc/self/environ'))(
    'leave nothing undone, undoubled and unleaked when each of them is killed mid-flight',
    async () => {
      const audit = await Audit.begin();
      const id = await launch('e2e-killed');
      await fleetWhen(id, ({ counts }) => (counts.Creating ?? 0) > 0);
      const killed = killWorkers();
      expect(killed).toBeGreaterThan(0);
      expect(await untilUp(id)).toMatchObject({ status: 'Running', counts: { Running: 24 } });
      expect(await audit.verdict([id])).toMatchObject({ running: 24, leaked: [], duplicated: [] });
      await client.deleteFleet({ params: { namespace, fleet: id } });
      await pause(1_000);
      killWorkers();
      await fleetWhen(id, ({ status }) => status === 'Terminated');
      expect((await audit.books()).remaining()).toBe(0);
    },
    420_000,
  );
});

describe('messages that come twice', () => {
  it('have no effect the second time', async () => {
    const audit = await Audit.begin();
    const stop = new AbortController();
    const doubling = doubleMessages(stop.signal);
    const id = await launch('e2e-doubled');
    const up = await untilUp(id);
    stop.abort();
    expect(await doubling).toBeGreaterThan(0);
    expect(up).toMatchObject({ status: 'Running', counts: { Running: 24 } });
    // The last of the doubles may still be on their way.
    await pause(3_000);
    expect(await audit.verdict([id])).toMatchObject({ running: 24, leaked: [], duplicated: [] });
    expect((await client.getFleet({ params: { namespace, fleet: id } })).counts).toMatchObject({
      Running: 24,
    });
    await deleteFleet(id);
    expect((await audit.books()).remaining()).toBe(0);
  }, 240_000);
});

/** The driver's processes of this test's own engine: they name its endpoint. Kills them without a word. */
function killWorkers(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const workers = pids.filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('QueuessimConsumer') &&
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`AWS_ENDPOINT_URL=${stack.engineUrl}\0`)
      );
    } catch {
      // It ended meanwhile, or is another user's.
      return false;
    }
  });
  for (const pid of workers) process.kill(Number(pid), 'SIGKILL');
  return workers.length;
}

/**
 * Takes messages out of the driver's queue before a worker does, and puts each back twice, until told to stop. What
 * it takes goes back as a new message, because a receive counts towards the dead-letter queue.
 * @returns how many messages there are twice
 */
async function doubleMessages(signal: AbortSignal): Promise<number> {
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const urls = z.record(z.string(), z.url()).parse(JSON.parse(stack.outputs['QueueUrls'] ?? '{}'));
  const QueueUrl = urls['sim'];
  const doubled = new Set<string>();
  try {
    while (!signal.aborted) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 30 }),
      );
      for (const { Body, ReceiptHandle } of Messages) {
        const digest = createHash('sha256').update(String(Body)).digest('hex');
        const times = doubled.has(digest) ? 1 : 2;
        doubled.add(digest);
        for (let n = 0; n < times; n++)
          await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: Body }));
        await remove(sqs, QueueUrl, ReceiptHandle);
      }
      await pause(50);
    }
    return doubled.size;
  } finally {
    sqs.destroy();
  }
}

/** Where this took longer than the message was kept from others, it is somebody else's by now: then it comes thrice. */
async function remove(
  sqs: SQSClient,
  QueueUrl: string | undefined,
  ReceiptHandle: string | undefined,
): Promise<void> {
  try {
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ReceiptHandleIsInvalid')) throw error;
  }
}
