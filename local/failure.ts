/** The local stack cannot be started, or reached. `advice` says what to do about it. */
export class LocalFailure extends Error {
  readonly advice: string;

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LocalFailure';
    this.advice = advice;
  }
}
