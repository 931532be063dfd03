/** An error that the language knows: by its name, Retry and Catch decide. */
export class StatesError extends Error {
  constructor(name: string, message = '') {
    super(message);
    this.name = name;
  }
}

/** A limit of AWS was exceeded, or the definition did what no definition may: ends the run, past every Catch. */
export class InterpreterError extends Error {
  override readonly name = 'InterpreterError';
}

/** The execution, or the Map around this state, ended while the state still waited. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/** Answer to a task token that waits for nothing (any more). */
export class TaskDoesNotExist extends Error {
  override readonly name = 'TaskDoesNotExist';
}

/** Neither wildcard takes these: AWS ends the execution. */
const TERMINAL = new Set(['States.Runtime', 'States.DataLimitExceeded']);

/** Whether a retrier or catcher with this ErrorEquals takes an error of this name. */
export function matches(errorEquals: readonly string[], name: string): boolean {
  if (errorEquals.includes(name)) return true;
  if (TERMINAL.has(name)) return false;
  if (errorEquals.includes('States.ALL')) return true;
  return errorEquals.includes('States.TaskFailed') && name !== 'States.Timeout';
}
