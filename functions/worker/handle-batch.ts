import pLimit from 'p-limit';
import { verifyConnection } from '../connections/verify.ts';
import { giveUp } from '../instances/give-up.ts';
import { launchInstances } from '../instances/launch.ts';
import { terminateInstances } from '../instances/terminate.ts';
import { syncInventory } from '../inventory/sync-inventory.ts';
import { prepareNetworks } from '../networks/prepare.ts';
import { removeNetworks } from '../networks/remove.ts';
import { sweepConnection } from '../orphans/sweep-connection.ts';
import { sweepPlace } from '../orphans/sweep-place.ts';
import { look } from '../status/look.ts';
import { placeName } from '../store/keys.ts';
import { Contended } from '../store/versioned.ts';
import { type DriverMessage, driverMessageSchema, type LaunchMessage } from '../workflow/messages.ts';
import { type Disposition, DONE, type WorkerContext, waitFor } from './context.ts';

export interface Delivery {
  messageId: string;
  body: string;
}

const CONCURRENT_MESSAGES = 5;
const CONTENDED_MS = 1_000;

/** The same message, however often it stands in a batch. */
interface Received<Message extends DriverMessage = DriverMessage> {
  messageIds: string[];
  message: Message;
}

/**
 * Handles one batch of a driver's queue. Launches of one place go together, all else by itself. What must wait is
 * sent again with a delay before the old message is let go. Copies of one message in a batch are handled once and sent
 * again once: else each copy that the queue made, or that a killed worker left behind, would go on for as long as the
 * message waits, and make copies of its own.
 *
 * @returns ids of the messages that failed, which the queue delivers again
 */
export async function handleBatch(
  context: WorkerContext,
  deliveries: readonly Delivery[],
): Promise<string[]> {
  const failed: string[] = [];
  const fail = (ids: readonly string[], error: unknown) => {
    context.log.error('message failed', { messageIds: ids, error });
    failed.push(...ids);
  };
  const copies = Map.groupBy(deliveries, ({ body }) => body);
  const parsed = [...copies].flatMap(([body, same]): Received[] => {
    const messageIds = same.map(({ messageId }) => messageId);
    try {
      return [{ messageIds, message: driverMessageSchema.parse(JSON.parse(body)) }];
    } catch (error) {
      fail(messageIds, error);
      return [];
    }
  });
  const launches = parsed.flatMap(({ messageIds, message }): Received<LaunchMessage>[] =>
    message.kind === 'launch' ? [{ messageIds, message }] : [],
  );
  const byPlace = Map.groupBy(launches, ({ message }) => placeName(message.connectionKey, message.location));
  const work = [
    ...[...byPlace.values()].map((group) => async () => {
      try {
        await settle(context, group, await unlessContended(group, () => launchGroup(context, group)));
      } catch (error) {
        fail(
          group.flatMap(({ messageIds }) => messageIds),
          error,
        );
      }
    }),
    ...parsed.flatMap(({ messageIds, message }) =>
      message.kind === 'launch'
        ? []
        : [
            async () => {
              try {
                const group = [{ message }];
                await settle(
                  context,
                  group,
                  await unlessContended(group, async () => [await handle(context, message)]),
                );
              } catch (error) {
                fail(messageIds, error);
              }
            },
          ],
    ),
  ];
  const limit = pLimit(CONCURRENT_MESSAGES);
  await Promise.all(work.map((one) => limit(one)));
  return failed;
}

/** A message that failed would come back only after the queue's visibility time-out: far too late for a lost race. */
async function unlessContended(
  group: readonly unknown[],
  work: () => Promise<Disposition[]>,
): Promise<Disposition[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Contended)) throw error;
    return group.map(() => waitFor(CONTENDED_MS));
  }
}

async function launchGroup(
  context: WorkerContext,
  group: readonly { message: LaunchMessage }[],
): Promise<Disposition[]> {
  const messages = group.map(({ message }) => message);
  const [first] = messages;
  if (!first) return [];
  const { connectionKey, location } = first;
  return await launchInstances(context, { connectionKey, location }, messages);
}

async function settle(
  context: WorkerContext,
  group: readonly { message: DriverMessage }[],
  dispositions: readonly Disposition[],
): Promise<void> {
  await Promise.all(
    group.map(async ({ message }, at) => {
      const disposition = dispositions[at];
      if (disposition && !disposition.done) await context.send(disposition.as ?? message, disposition.waitMs);
    }),
  );
}

async function handle(
  context: WorkerContext,
  message: Exclude<DriverMessage, LaunchMessage>,
): Promise<Disposition> {
  switch (message.kind) {
    case 'prepare-networks':
      return await prepareNetworks(context, message);
    case 'terminate':
      return await terminateInstances(context, message);
    case 'remove-networks':
      return await removeNetworks(context, message);
    case 'give-up':
      return await giveUp(context, message);
    case 'look':
      await look(context, message);
      return DONE;
    case 'verify':
      return await verifyConnection(context, message);
    case 'sync-inventory':
      return await syncInventory(context, message);
    case 'sweep-connection':
      return await sweepConnection(context, message);
    case 'sweep':
      return await sweepPlace(context, message);
  }
}
