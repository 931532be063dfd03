import pLimit from 'p-limit';
import { DriverError } from '../../drivers/contract/errors.ts';
import { checkAllRights } from '../../features/connections/check-all-rights.ts';
import { verifyConnection } from '../../features/connections/verify.ts';
import { checkAwait } from '../../features/fleets/await-launches.ts';
import { reviewFleet } from '../../features/fleets/review-fleet.ts';
import { giveUp } from '../../features/instances/give-up.ts';
import { launchInstances } from '../../features/instances/launch-instances.ts';
import { terminateInstances } from '../../features/instances/terminate.ts';
import { syncInventory } from '../../features/inventory/sync-inventory.ts';
import { launchesIn } from '../../features/launch-queue/share-message.ts';
import { prepareNetworks } from '../../features/networks/prepare.ts';
import { removeNetworks } from '../../features/networks/remove.ts';
import { handleUnused } from '../../features/networks/remove-unused.ts';
import { verifyNetworks } from '../../features/networks/verify-default.ts';
import { verifySite } from '../../features/networks/verify-site.ts';
import { pollSite } from '../../features/poller/poll-site.ts';
import { sweepConnection } from '../../features/sweeps/sweep-connection.ts';
import { sweepSite } from '../../features/sweeps/sweep-site.ts';
import { leaveAccount } from '../../features/writers/leave-account.ts';
import { instanceId } from '../../model/identifiers.ts';
import { isTransient } from '../../platform/runtime/transient.ts';
import { siteName } from '../../platform/store/keys.ts';
import { Contended } from '../../platform/store/versioned.ts';
import { retryAfterMs } from '../../platform/worker/backoff.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  timeLeftMs,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import {
  type DriverMessage,
  driverMessageSchema,
  type LaunchMessage,
} from '../../platform/workflow/messages.ts';

export interface Delivery {
  messageId: string;
  body: string;
  /** Valid for this delivery only. */
  receiptHandle: string;
  /** Number of times that the queue has delivered the message, including this time. */
  receives: number;
  /**
   * Time of sending by the queue's clock, in milliseconds since 1970. Absent if the queue does not report it.
   */
  sentAtMs?: number | undefined;
  firstReceivedAtMs?: number | undefined;
}

const CONCURRENT_MESSAGES = 10;
const CONTENDED_MS = 1_000;
const NO_PERMIT_MS = 1_000;

/** A message, and the deliveries of all its copies in one batch. */
interface Received<Message extends DriverMessage = DriverMessage> {
  copies: Delivery[];
  message: Message;
}

/**
 * Handles one batch of a driver's queue. Launches of one site are handled together, and every other message
 * separately.
 *
 * If a message must wait, its handling lost a race, or an AWS service had a transient error, a copy of the
 * message is sent with a delay, and the received message is acknowledged. Such a message does not count as
 * failed, because each failed receive brings a message nearer to the dead-letter queue. If the handling fails
 * for another reason, the queue delivers the message again after a delay that grows with each receive.
 *
 * A batch may contain copies of one message: the queue may deliver a message twice, or a worker may have sent
 * a message again and died before it acknowledged the received message. All copies in a batch are handled as
 * one message. If the message must wait, only one copy is sent, so that the number of copies does not grow.
 *
 * @returns ids of the messages that failed, which the queue delivers again
 */
export async function handleBatch(
  context: WorkerContext,
  deliveries: readonly Delivery[],
): Promise<string[]> {
  context.invocation.endsAtMs = context.store.clock.now() + context.timeLimitMs;
  const failed: Delivery[] = [];
  const fail = (copies: readonly Delivery[], error: unknown) => {
    context.log.error('message failed', { messageIds: copies.map(({ messageId }) => messageId), error });
    failed.push(...copies);
  };
  const parsed = [...Map.groupBy(deliveries, ({ body }) => body)].flatMap(([body, copies]): Received[] => {
    try {
      return [{ copies, message: driverMessageSchema.parse(JSON.parse(body)) }];
    } catch (error) {
      fail(copies, error);
      return [];
    }
  });
  const launches = parsed.flatMap(({ copies, message }): Received<LaunchMessage>[] =>
    message.kind === 'launch' ? [{ copies, message }] : [],
  );
  // The benchmark reads these log lines, to measure how long launches waited in the queue.
  for (const { message, copies } of launches)
    context.log.info('launches received', {
      instances: launchesIn(message).map(instanceId),
      sentAtMs: copies[0]?.sentAtMs,
    });
  const bySite = Map.groupBy(launches, ({ message }) => siteName(message.connectionKey, message.location));
  const others = parsed.flatMap(({ copies, message }) => {
    if (message.kind === 'launch') return [];
    const work = () =>
      workOff(context, [{ copies, message }], async () => [await handle(context, message)], fail);
    return [{ isPoll: message.kind === 'poll', work }];
  });
  // Polls are handled first. They are short, while the calls of launches may use up the whole time.
  const work = [
    ...others.filter(({ isPoll }) => isPoll).map((one) => one.work),
    ...[...bySite.values()].map(
      (group) => () => workOff(context, group, () => launchGroup(context, group), fail),
    ),
    ...others.filter(({ isPoll }) => !isPoll).map((one) => one.work),
  ];
  const limit = pLimit(CONCURRENT_MESSAGES);
  await Promise.all(work.map((one) => limit(one)));
  if (failed.length > 0) await postpone(context, failed);
  return failed.map(({ messageId }) => messageId);
}

/**
 * Handles the messages of `group` with `work`. Sends each message that must wait to the queue again. If the
 * queue does not accept the message, reports the message as failed.
 */
async function workOff(
  context: WorkerContext,
  group: readonly Received[],
  work: () => Promise<MessageResult[]>,
  fail: (copies: readonly Delivery[], error: unknown) => void,
): Promise<void> {
  let results: readonly MessageResult[];
  try {
    results = await work();
    context.backoff.relieve();
  } catch (error) {
    if (error instanceof DriverError && error.code === 'NoPermit') {
      results = group.map(() => requeueAfter(error.retryAfterMs ?? NO_PERMIT_MS));
    } else if (!(error instanceof Contended) && !isTransient(error)) {
      fail(
        group.flatMap(({ copies }) => copies),
        error,
      );
      return;
    } else if (error instanceof Contended) results = group.map(() => requeueAfter(CONTENDED_MS));
    else {
      results = group.map(() => requeueAfter(context.backoff.waitMs()));
      context.log.warn('messages wait until a service of AWS has recovered', {
        messages: group.length,
        error,
      });
    }
  }
  await Promise.all(
    group.map(async ({ copies, message }, at) => {
      const result = results[at];
      if (!result || result.done) return;
      try {
        await context.send(result.as ?? message, result.waitMs);
      } catch (error) {
        fail(copies, error);
      }
    }),
  );
}

/**
 * Delays the next delivery of failed messages. If SQS refuses the delay, SQS delivers the messages after the
 * queue's visibility timeout.
 */
async function postpone(context: WorkerContext, failed: readonly Delivery[]): Promise<void> {
  try {
    await context.hide(
      failed.map(({ receiptHandle, receives }) => ({ receiptHandle, delayMs: retryAfterMs(receives) })),
    );
  } catch (error) {
    context.log.warn('failed messages come back after the visibility time-out', {
      messages: failed.length,
      error,
    });
  }
}

async function launchGroup(
  context: WorkerContext,
  group: readonly Received<LaunchMessage>[],
): Promise<MessageResult[]> {
  const [first] = group;
  if (!first) return [];
  const { connectionKey, location } = first.message;
  return await launchInstances(
    context,
    { connectionKey, location },
    group.map(({ message, copies: [delivery, ...others] }) =>
      others.length > 0 ? { message } : { message, delivery },
    ),
  );
}

async function handle(
  context: WorkerContext,
  message: Exclude<DriverMessage, LaunchMessage>,
): Promise<MessageResult> {
  switch (message.kind) {
    case 'verify-site':
      return await verifySite(context, message);
    case 'prepare-networks':
      return await prepareNetworks(context, message);
    case 'terminate':
      return await terminateInstances(context, message);
    case 'remove-networks':
      return await removeNetworks(context, message);
    case 'remove-unused':
      return await handleUnused(context, message);
    case 'await-launches':
      return await checkAwait(context, message);
    case 'give-up':
      return await giveUp(context, message);
    case 'poll':
      // If the invocation ended during a poll, the poll loop would stop until a schedule restarts it.
      // Therefore the poll is left to an invocation with more time.
      if (timeLeftMs(context) < context.timeLimitMs / 2) return requeueAfter(0);
      await pollSite(context, message);
      return ACK;
    case 'review-fleet':
      await reviewFleet(context.store, await context.layout(message.fleetId));
      return ACK;
    case 'leave-account':
      return await leaveAccount(context, message);
    case 'verify':
      return await verifyConnection(context, message);
    case 'verify-network':
      return await verifyNetworks(context, message);
    case 'check-rights':
      return await checkAllRights(context, message);
    case 'sync-inventory':
      return await syncInventory(context, message);
    case 'sweep-connection':
      return await sweepConnection(context, message);
    case 'sweep':
      return await sweepSite(context, message);
  }
}
