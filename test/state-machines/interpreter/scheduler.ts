/** Clock and timers of the interpreter, given by its caller. */
export interface Scheduler {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds; never, once `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Ends the waits of an execution, or of one run of a Map within it. */
export class Cancellation {
  #cancelled = false;
  readonly #listeners = new Set<() => void>();

  /** Returns a cancellation that is cancelled with this one, but not the other way round. */
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

  /** @returns a function that removes the listener */
  onCancel(listener: () => void): () => void {
    if (this.#cancelled) listener();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
