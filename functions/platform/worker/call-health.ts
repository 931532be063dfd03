import type { CloudCall } from '../../drivers/contract/call-gate.ts';
import type { DriverError } from '../../drivers/contract/errors.ts';
import type { DeniedCall } from '../../model/denied-call.ts';
import {
  type Called,
  isQuiet,
  isSameCall,
  noteAccepted,
  noteDenied,
  readDeniedCalls,
} from '../store/denied-calls.ts';
import type { Owner } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Log } from './context.ts';

/**
 * Time in ms for which a process uses the denied calls that it has read. Another process may have written a denial since
 * then, and the call that the cloud accepts now may be in this process. A create call, which a user may be retrying,
 * reads them soon.
 */
const KNOWN_MS = { create: 1_000, other: 60_000 };

/**
 * Records which calls a cloud denies to one connection, and which of them it accepts again. A failed write is logged and
 * never fails the call: the next denial is written again.
 */
export class CallHealth {
  readonly #store: Store<'governor'>;
  readonly #log: Log;
  readonly #connection: Owner;
  /** The denied calls, as this process knows them. */
  #known: readonly DeniedCall[] = [];
  /** The latest read. Absent until the first call has ended, since many processes end without a call. */
  #read: { atMs: number; ended: Promise<void> } | undefined;
  /** Calls whose denial or acceptance is being written. */
  readonly #writing = new Set<string>();

  constructor(store: Store<'governor'>, log: Log, connection: Owner) {
    this.#store = store;
    this.#log = log;
    this.#connection = connection;
  }

  /** Records a denial. A denial of one request, for instance of its image, says nothing about the call. */
  async denied(
    { action, location, kind, isOptional }: CloudCall,
    { cloudCode, code, message, scope }: DriverError,
  ): Promise<void> {
    if (code !== 'Forbidden' || scope === 'launch' || isOptional) return;
    const denial = { call: action, location, code: cloudCode ?? code, message, isCreate: kind === 'create' };
    const known = this.#known.find((one) => isSameCall(one, denial));
    if (known && isQuiet(known, this.#store.clock.now())) return;
    await this.#write(denial, () => noteDenied(this.#store, this.#connection, denial));
  }

  /** Removes an accepted call from the denied calls. Writes nothing if the call is not denied. */
  async accepted({ action: call, location, kind }: CloudCall): Promise<void> {
    await this.#know(kind === 'create' ? KNOWN_MS.create : KNOWN_MS.other);
    const called = { call, location };
    if (!this.#known.some((one) => isSameCall(one, called))) return;
    await this.#write(called, () => noteAccepted(this.#store, this.#connection, called));
  }

  /** Reads the denied calls, unless this process has read them within `maxAgeMs`. */
  async #know(maxAgeMs: number): Promise<void> {
    const atMs = this.#store.clock.now();
    if (!this.#read || Math.abs(atMs - this.#read.atMs) >= maxAgeMs) {
      const ended = this.#safely(async () => {
        this.#known = await readDeniedCalls(this.#store, this.#connection);
      });
      this.#read = { atMs, ended };
    }
    await this.#read.ended;
  }

  async #write({ call, location }: Called, write: () => Promise<DeniedCall[]>): Promise<void> {
    const key = `${call} ${location ?? ''}`;
    if (this.#writing.has(key)) return;
    this.#writing.add(key);
    await this.#safely(async () => {
      this.#known = await write();
    });
    this.#writing.delete(key);
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.warn('the health of a connection could not be read or written', { error: String(error) });
    }
  }
}
