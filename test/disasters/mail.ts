import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type DriverMessage, driverMessageSchema } from '../../functions/platform/workflow/messages.ts';
import { pause, stack } from '../e2e/deployed.ts';
import { queueUrlOf } from '../setup/queue-url.ts';

const BATCH = 10;
const HELD_SECONDS = 60;

/**
 * Takes messages from the driver's queue before the function receives them, keeps a copy, and sends each
 * message twice as a new message. Each receive of an old message would count towards the dead-letter queue.
 */
export class MailRobber {
  readonly #sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  readonly #queueUrl = queueUrlOf(stack.outputs);
  readonly #stop = new AbortController();
  readonly #kept = new Map<string, DriverMessage>();
  readonly #robbing: Promise<void>;

  constructor() {
    this.#robbing = this.#rob();
    // `end` reports a failure. Until then, no code awaits this promise.
    this.#robbing.catch(() => undefined);
  }

  /** Returns a copy of each message that was taken. With fleet ids, returns only messages of these fleets. */
  kept(...fleetIds: string[]): DriverMessage[] {
    const all = [...this.#kept.values()];
    if (fleetIds.length === 0) return all;
    return all.filter((message) => 'fleetId' in message && fleetIds.includes(message.fleetId));
  }

  async send(messages: readonly DriverMessage[]): Promise<void> {
    await this.#put(messages.map((message) => JSON.stringify(message)));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#robbing;
    this.#sqs.destroy();
  }

  async #rob(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#queueUrl,
          MaxNumberOfMessages: BATCH,
          VisibilityTimeout: HELD_SECONDS,
        }),
      );
      const bodies = Messages.map(({ Body = '' }) => Body);
      const fresh = bodies.filter((body) => !this.#kept.has(body));
      for (const body of fresh) this.#kept.set(body, driverMessageSchema.parse(JSON.parse(body)));
      await this.#put([...bodies, ...fresh]);
      if (Messages.length > 0) {
        await this.#sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl: this.#queueUrl,
            Entries: Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle })),
          }),
        );
      }
      await pause(100);
    }
  }

  async #put(bodies: readonly string[]): Promise<void> {
    for (let first = 0; first < bodies.length; first += BATCH) {
      const Entries = bodies
        .slice(first, first + BATCH)
        .map((MessageBody, at) => ({ Id: String(at), MessageBody }));
      await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }));
    }
  }
}
