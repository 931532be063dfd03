import type { Ground } from '../world/ground.ts';

export interface QueuedMessage {
  messageId: string;
  body: string;
}

/** A message as it is handed out. */
export interface ReceivedMessage extends QueuedMessage {
  receiptHandle: string;
  /** How often it was handed out, this time included. */
  receives: number;
}

interface Message extends QueuedMessage {
  visibleAtMs: number;
  receives: number;
  /** Handed out until this; deleting by an older hand-out does nothing. */
  held: number;
}

export interface Consumer {
  /** @returns ids of those that failed @throws when none of them was dealt with */
  handle(batch: readonly ReceivedMessage[]): Promise<readonly string[]>;
  /** Invocations at a time. */
  concurrency: number;
  visibilityMs: number;
  maxReceives: number;
}

const BATCH = 10;
const MAX_POLL_MS = 120;
const MAX_DUPLICATES = 30;

/** An SQS standard queue with its event source: at least once, in any order, late, and after failures again. */
export class Queue {
  readonly deadLetters: QueuedMessage[] = [];
  /** Told of each message that is sent. */
  onSend: (body: string) => void = () => {};
  readonly #ground: Ground;
  readonly #consumer: Consumer;
  readonly #messages = new Map<string, Message>();
  #sent = 0;
  #busy = 0;

  constructor(ground: Ground, consumer: Consumer) {
    this.#ground = ground;
    this.#consumer = consumer;
  }

  /** Bodies of what is waiting or in somebody's hands. */
  get bodies(): string[] {
    return [...this.#messages.values()].map(({ body }) => body);
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

  /** Has what was handed out come back then; by an older hand-out, or of what is deleted, it cannot be said. */
  hide(receiptHandle: string, delayMs: number): void {
    const [messageId = '', held] = receiptHandle.split('#');
    const message = this.#messages.get(messageId);
    if (!message || String(message.held) !== held) throw new Error(`no receipt ${receiptHandle}`);
    message.visibleAtMs = this.#ground.now() + delayMs;
    this.#wakeAt(message.visibleAtMs);
  }

  /** A copy of a message that is sent again and again goes on as long as the message: so many, and no more. */
  #duplicates(): boolean {
    const { random, disturbance, counts } = this.#ground;
    if (counts.duplicateDeliveries >= MAX_DUPLICATES || !random.chance(disturbance.duplicate)) return false;
    counts.duplicateDeliveries += 1;
    return true;
  }

  #put(messageId: string, body: string, delayMs: number): void {
    const visibleAtMs = this.#ground.now() + delayMs;
    this.#messages.set(messageId, { messageId, body, visibleAtMs, receives: 0, held: 0 });
    this.#wakeAt(visibleAtMs);
  }

  #wakeAt(atMs: number): void {
    const { random, scheduler } = this.#ground;
    const waitMs = Math.max(0, atMs - this.#ground.now()) + random.int(1, MAX_POLL_MS);
    void scheduler.sleep(waitMs).then(() => this.#poll());
  }

  #poll(): void {
    const nowMs = this.#ground.now();
    while (this.#busy < this.#consumer.concurrency) {
      const visible = [...this.#messages.values()].filter(({ visibleAtMs }) => visibleAtMs <= nowMs);
      if (visible.length === 0) return;
      const { random } = this.#ground;
      const batch = random.shuffle(visible).slice(0, random.chance(0.5) ? BATCH : random.int(1, BATCH));
      const alive = batch.filter((message) => !this.#bury(message));
      if (alive.length > 0) void this.#deliver(alive);
    }
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
    const untilMs = this.#ground.now() + visibilityMs;
    for (const message of batch) {
      message.visibleAtMs = untilMs;
      message.held += 1;
    }
    const { trace } = this.#ground;
    if (trace.isOn) trace.add('queue', `delivers ${batch.map(({ body }) => shortened(body)).join(' | ')}`);
    const holds = batch.map(({ held }) => held);
    let failed: readonly string[];
    try {
      failed = await this.#consumer.handle(
        batch.map(({ messageId, body, receives, held }) => ({
          messageId,
          body,
          receives,
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
        message.visibleAtMs = this.#ground.now() + random.int(0, 120_000);
        this.#wakeAt(message.visibleAtMs);
        return;
      }
      this.#messages.delete(message.messageId);
    });
    this.#wakeAt(this.#ground.now());
  }
}

/** A message without what is long and the same in all. */
function shortened(body: string): string {
  return body.replaceAll(/"|kind:|fleetId:|connectionKey:|-?x{9,}/g, '').slice(0, 140);
}
