import { Heap } from '../../state-machines/interpreter/heap.ts';
import type { Ground } from '../ground/ground.ts';
import { Pollers, type Scaling } from './pollers.ts';

export interface QueuedMessage {
  messageId: string;
  body: string;
}

/** A message as a worker receives it. */
export interface ReceivedMessage extends QueuedMessage {
  receiptHandle: string;
  /** Number of times that this message was received, this delivery included. */
  receives: number;
  /** Time of sending, by the queue's clock. */
  sentAtMs: number;
  firstReceivedAtMs: number;
}

interface Message extends QueuedMessage {
  sentAtMs: number;
  firstReceivedAtMs?: number;
  visibleAtMs: number;
  receives: number;
  /** Number of the latest delivery. A receipt handle of an earlier delivery is not valid. */
  held: number;
  /** True while the message is in `#visible`. */
  isListed: boolean;
}

/** Time at which a message becomes visible. Outdated if the message has got another time or was deleted. */
interface Due {
  atMs: number;
  message: Message;
}

export interface Consumer {
  /** @returns ids of the messages that failed @throws if all of them failed */
  handle(batch: readonly ReceivedMessage[]): Promise<readonly string[]>;
  /** Maximum number of invocations that run together. */
  concurrency: number;
  /** Omit it if Lambda runs up to `concurrency` invocations as soon as there are messages. */
  scaling?: Scaling | undefined;
  visibilityMs: number;
  maxReceives: number;
}

const BATCH = 10;
const MAX_POLL_MS = 120;
const MAX_DUPLICATES = 30;

/**
 * Models an SQS standard queue with its event source. A message is delivered at least once, in any order,
 * possibly late, and again after a failure.
 */
export class Queue {
  readonly deadLetters: QueuedMessage[] = [];
  /** Called with each message that is sent. */
  onSend: (body: string) => void = () => {};
  readonly #ground: Ground;
  readonly #consumer: Consumer;
  readonly #messages = new Map<string, Message>();
  /** Messages that workers can receive, unsorted. Some of these may be deleted already. */
  readonly #visible: Message[] = [];
  readonly #due = new Heap<Due>((one, other) => one.atMs < other.atMs);
  readonly #pollers: Pollers | undefined;
  #sent = 0;
  #busy = 0;
  #isGrowing = false;

  constructor(ground: Ground, consumer: Consumer) {
    this.#ground = ground;
    this.#consumer = consumer;
    if (consumer.scaling) this.#pollers = new Pollers(consumer.scaling, consumer.concurrency);
  }

  /** Returns the bodies of messages that are in the queue or that a worker is handling. */
  get bodies(): string[] {
    return [...this.#messages.values()].map(({ body }) => body);
  }

  /** Number of messages sent so far. */
  get sent(): number {
    return this.#sent;
  }

  get busy(): number {
    return this.#busy;
  }

  send(body: string, delayMs: number): void {
    const { random, disturbance, counts } = this.#ground;
    this.onSend(body);
    this.#sent += 1;
    let lateMs = 0;
    if (random.chance(disturbance.late)) {
      lateMs = random.int(1_000, 60_000);
      counts.lateMessages += 1;
    }
    this.#put(`m${this.#sent}`, body, delayMs + lateMs);
    if (this.#duplicates()) {
      this.#sent += 1;
      this.#put(`m${this.#sent}`, body, delayMs + random.pick([random.int(0, 60), random.int(0, 90_000)]));
    }
  }

  /**
   * Makes a received message visible again after `delayMs`.
   *
   * @throws Error if the message was deleted or received again
   */
  hide(receiptHandle: string, delayMs: number): void {
    const [messageId = '', held] = receiptHandle.split('#');
    const message = this.#messages.get(messageId);
    if (!message || String(message.held) !== held)
      throw new Error(`the receipt handle ${receiptHandle} is not valid any more`);
    this.#showAt(message, this.#ground.now() + delayMs);
    this.#wakeAt(message.visibleAtMs);
  }

  /**
   * Draws whether to deliver a message twice. The number of copies in a run is limited, because some
   * messages cause another message of their kind, and each copy of such a message causes one more.
   */
  #duplicates(): boolean {
    const { random, disturbance, counts } = this.#ground;
    if (counts.duplicateDeliveries >= MAX_DUPLICATES || !random.chance(disturbance.duplicate)) return false;
    counts.duplicateDeliveries += 1;
    return true;
  }

  #put(messageId: string, body: string, delayMs: number): void {
    const sentAtMs = this.#ground.now();
    const visibleAtMs = sentAtMs + delayMs;
    const message = { messageId, body, sentAtMs, visibleAtMs, receives: 0, held: 0, isListed: false };
    this.#messages.set(messageId, message);
    this.#showAt(message, visibleAtMs);
    this.#wakeAt(visibleAtMs);
  }

  #showAt(message: Message, atMs: number): void {
    message.visibleAtMs = atMs;
    this.#due.push({ atMs, message });
  }

  #wakeAt(atMs: number): void {
    const { random, scheduler } = this.#ground;
    const waitMs = Math.max(0, atMs - this.#ground.now()) + random.int(1, MAX_POLL_MS);
    void scheduler.sleep(waitMs).then(() => this.#poll());
  }

  #poll(): void {
    const { random } = this.#ground;
    while (this.#hasPoller()) {
      const batch = this.#receive(random.chance(0.5) ? BATCH : random.int(1, BATCH));
      if (batch.length === 0) return;
      const alive = batch.filter((message) => !this.#bury(message));
      if (alive.length > 0) void this.#deliver(alive);
    }
  }

  #hasPoller(): boolean {
    const { concurrency } = this.#consumer;
    const most = this.#pollers?.countAt(this.#ground.now(), this.#busy) ?? concurrency;
    if (this.#busy < most) return true;
    if (this.#pollers && most < concurrency && !this.#isGrowing) {
      this.#isGrowing = true;
      void this.#ground.scheduler.sleep(this.#pollers.grownAfterMs).then(() => {
        this.#isGrowing = false;
        this.#poll();
      });
    }
    return false;
  }

  /** Receives at most `most` visible messages, drawn at random. */
  #receive(most: number): Message[] {
    const nowMs = this.#ground.now();
    this.#list(nowMs);
    const received: Message[] = [];
    while (received.length < most && this.#visible.length > 0) {
      const at = this.#ground.random.int(0, this.#visible.length - 1);
      const last = this.#visible.pop();
      const message = this.#visible[at] ?? last;
      if (!message || !last) break;
      if (message !== last) this.#visible[at] = last;
      message.isListed = false;
      if (this.#isWaiting(message) && message.visibleAtMs <= nowMs) received.push(message);
    }
    return received;
  }

  #list(nowMs: number): void {
    for (let due = this.#due.first; due && due.atMs <= nowMs; due = this.#due.first) {
      this.#due.pop();
      const { message, atMs } = due;
      if (message.isListed || message.visibleAtMs !== atMs || !this.#isWaiting(message)) continue;
      message.isListed = true;
      this.#visible.push(message);
    }
  }

  #isWaiting(message: Message): boolean {
    return this.#messages.get(message.messageId) === message;
  }

  #bury(message: Message): boolean {
    message.receives += 1;
    if (message.receives <= this.#consumer.maxReceives) return false;
    this.#messages.delete(message.messageId);
    this.deadLetters.push(message);
    this.#ground.counts.deadLetters += 1;
    this.#ground.trace.add('queue', `dead letter ${message.body.slice(0, 60)}`);
    return true;
  }

  async #deliver(batch: readonly Message[]): Promise<void> {
    this.#busy += 1;
    const { random } = this.#ground;
    const { visibilityMs } = this.#consumer;
    const nowMs = this.#ground.now();
    for (const message of batch) {
      this.#showAt(message, nowMs + visibilityMs);
      message.firstReceivedAtMs ??= nowMs;
      message.held += 1;
    }
    const { trace } = this.#ground;
    if (trace.isOn) trace.add('queue', `delivers ${batch.map(({ body }) => shortened(body)).join(' | ')}`);
    const holds = batch.map(({ held }) => held);
    let failed: readonly string[];
    try {
      failed = await this.#consumer.handle(
        batch.map(({ messageId, body, receives, held, sentAtMs, firstReceivedAtMs = nowMs }) => ({
          messageId,
          body,
          receives,
          sentAtMs,
          firstReceivedAtMs,
          receiptHandle: `${messageId}#${held}`,
        })),
      );
    } catch {
      failed = batch.map(({ messageId }) => messageId);
    }
    this.#busy -= 1;
    batch.forEach((message, at) => {
      if (message.held !== holds[at]) return;
      if (failed.includes(message.messageId)) {
        this.#ground.counts.failedReceives += 1;
        this.#wakeAt(message.visibleAtMs);
        return;
      }
      if (this.#duplicates()) {
        this.#showAt(message, this.#ground.now() + random.int(0, 120_000));
        this.#wakeAt(message.visibleAtMs);
        return;
      }
      this.#messages.delete(message.messageId);
    });
    this.#wakeAt(this.#ground.now());
  }
}

/** Shortens a message's body for the trace. */
function shortened(body: string): string {
  return body.replaceAll(/"|kind:|fleetId:|connectionKey:|-?x{9,}/g, '').slice(0, 140);
}
