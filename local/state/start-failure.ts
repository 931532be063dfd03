/**
 * Thrown when a part of the local stack, or a program that it needs, cannot be started or reached. Commands then end
 * with exit code 3.
 */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly exitCode = 3;
  /** Tells the user what to do. */
  readonly next: string;

  constructor(message: string, next: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.next = next;
  }
}
