/** An error of the Amazon States Language. Retry and Catch match its name. */
export class StatesError extends Error {
  constructor(name: string, message = '') {
    super(message);
    this.name = name;
  }
}

/** Thrown if a limit of AWS was exceeded, or the definition is invalid. Ends the run: no Catch handles it. */
export class InterpreterError extends Error {
  override readonly name = 'InterpreterError';
}

/** Thrown in a state if the execution, or the Map that contains the state, is cancelled. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/** Thrown if no task waits for the token of an answer. */
export class TaskDoesNotExist extends Error {
  override readonly name = 'TaskDoesNotExist';
}

/**
 * Errors that `States.ALL` and `States.TaskFailed` do not match. After such an error, AWS ends the execution.
 */
const TERMINAL = new Set(['States.Runtime', 'States.DataLimitExceeded']);

/** Returns true if a retrier or catcher with this ErrorEquals handles an error of this name. */
export function matches(errorEquals: readonly string[], name: string): boolean {
  if (errorEquals.includes(name)) return true;
  if (TERMINAL.has(name)) return false;
  if (errorEquals.includes('States.ALL')) return true;
  return errorEquals.includes('States.TaskFailed') && name !== 'States.Timeout';
}
