import type { Store } from '../store/store.ts';
import { countUnknownWords, type UnknownAnswer, type WordsOwner, wordsId } from '../store/unknown-words.ts';
import type { Log } from './context.ts';

/** The first answers of one kind are each written. Of later answers, one write a minute counts all since the last. */
const SINGLE_WRITES = 5;
const WRITE_EVERY_MS = 60_000;
/** Maximum number of kinds of answers that a process counts. */
const MOST_KINDS = 500;

interface Count {
  total: number;
  unwritten: number;
  writtenAtMs: number;
}

/** Counts the answers of clouds that no table of the driver knows. Makes few writes, however many answers there are. */
export class WordCounter {
  readonly #store: Store<'governor'>;
  readonly #log: Log;
  readonly #counts = new Map<string, Count>();

  constructor(store: Store<'governor'>, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** Counts one answer. Never throws: the call of the driver fails with the cloud's answer, and not with this count. */
  async note(owner: WordsOwner, answer: UnknownAnswer): Promise<void> {
    const nowMs = this.#store.clock.now();
    const count = this.#countOf(`${owner.connectionKey} ${owner.createdAt} ${wordsId(answer)}`);
    count.total += 1;
    count.unwritten += 1;
    if (count.total > SINGLE_WRITES && nowMs < count.writtenAtMs + WRITE_EVERY_MS) return;
    const times = count.unwritten;
    count.unwritten = 0;
    count.writtenAtMs = nowMs;
    try {
      await countUnknownWords(this.#store, owner, answer, times);
    } catch (error) {
      count.unwritten += times;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn('unknown words of a cloud could not be counted', {
        ...owner,
        call: answer.call,
        reason,
      });
    }
  }

  #countOf(key: string): Count {
    const known = this.#counts.get(key);
    if (known) return known;
    const [oldest] = this.#counts.keys();
    if (this.#counts.size >= MOST_KINDS && oldest !== undefined) this.#counts.delete(oldest);
    const made = { total: 0, unwritten: 0, writtenAtMs: 0 };
    this.#counts.set(key, made);
    return made;
  }
}
