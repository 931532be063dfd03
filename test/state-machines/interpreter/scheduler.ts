/** Clock and timers that the caller of the interpreter provides. */
export interface Scheduler {
  /** Returns the time in ms since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds. After `signal` is aborted, it never resolves. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Cancels the waits of an execution, or of one run of a Map. */
export class Cancellation {
  #cancelled = false;
  readonly #listeners = new Set<() => void>();

  /**
   * Returns a child, which is cancelled when this cancellation is cancelled. Cancelling the child does not
   * cancel this cancellation.
   */
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

  /**
   * Calls the listener when `cancel` is called, or immediately if `cancel` was called before.
   *
   * @returns a function that removes the listener
   */
  onCancel(listener: () => void): () => void {
    if (this.#cancelled) listener();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
