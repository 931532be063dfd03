/** Reports that something the local stack needs cannot be started or reached. Commands then end with exit code 3. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly exitCode = 3;
  /** What the user can do about it. */
  readonly next: string;

  constructor(message: string, next: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.next = next;
  }
}
