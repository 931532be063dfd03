/** An error of the language. Retry and Catch match its name. */
export class StatesError extends Error {
  constructor(name: string, message = '') {
    super(message);
    this.name = name;
  }
}

/** A limit of AWS was exceeded, or the definition is invalid. Ends the run: no Catch handles it. */
export class InterpreterError extends Error {
  override readonly name = 'InterpreterError';
}

/** The execution, or the Map around this state, ended while the state still waited. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/** A task token was answered for which no task waits. */
export class TaskDoesNotExist extends Error {
  override readonly name = 'TaskDoesNotExist';
}

/** Wildcards do not match these errors: AWS ends the execution. */
const TERMINAL = new Set(['States.Runtime', 'States.DataLimitExceeded']);

/** True if a retrier or catcher with this ErrorEquals handles an error of this name. */
export function matches(errorEquals: readonly string[], name: string): boolean {
  if (errorEquals.includes(name)) return true;
  if (TERMINAL.has(name)) return false;
  if (errorEquals.includes('States.ALL')) return true;
  return errorEquals.includes('States.TaskFailed') && name !== 'States.Timeout';
}
