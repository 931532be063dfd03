/** Clock and timers of the interpreter, given by its caller. */
export interface Scheduler {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves when so much time has passed; never, once `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Ends waits that are not needed any more: those of an execution, or of one run of a Map within it. */
export class Cancellation {
  #cancelled = false;
  readonly #listeners = new Set<() => void>();

  /** Cancelled with its parent, but not the other way round. */
  child(): { cancellation: Cancellation; release: () => void } {
    const cancellation = new Cancellation();
    return { cancellation, release: this.onCancel(() => cancellation.cancel()) };
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    for (const listener of [...this.#listeners]) listener();
  }

  /** @returns what to call when the listener is not needed any more */
  onCancel(listener: () => void): () => void {
    if (this.#cancelled) listener();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
