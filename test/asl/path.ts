import type { Json } from '../state-machines/interpreter/definition.ts';
import type { Outcome } from '../state-machines/interpreter/run.ts';
import type { Answerer, Functions, MachineName } from '../state-machines/world.ts';

/** What happens to a start of another execution, instead of the start. */
export type StartFault =
  /** AWS refuses the start with this code. `started`: the execution begins nevertheless, and the answer is lost. */
  | { code: string; started: boolean }
  /** The execution begins with another input. */
  | { input: Json };

/** The start of another execution by a workflow. */
export interface Start {
  machine: MachineName;
  name: string;
  /** Number of the start among the starts of this name; 1 for the first. */
  attempt: number;
}

/** What answers the workflow in one run of a path. Functions and messages use the ids of the test's assignment. */
export interface Surroundings {
  /** What Assign and BeginTermination answer. */
  assignment: Json;
  answer?: Answerer;
  functions?: Functions;
  /** Input of the execution. Default: the usual input of the state machine. */
  input?: Json;
  /** Number of messages that the queue refuses before it accepts one. */
  refusedMessages?: number;
  faultOf?: (start: Start) => StartFault | undefined;
}

/** A started execution, without the id of its fleet. */
export interface Started {
  machine: MachineName;
  name: string;
  status: string;
}

/** What was seen of a path in an interpreter. The lists are sorted, because Maps run their items in any order. */
export interface Observation {
  outcome: Outcome;
  /** The other executions of the fleet. */
  started: readonly Started[];
  /** Each message of the queue as JSON, without its task token. */
  messages: readonly string[];
  /** Each call of a Lambda function, as `<name> <payload>`. */
  invocations: readonly string[];
}

/** One way of an execution through its state machine. */
export interface Path {
  id: string;
  /** States what holds, as a whole sentence. */
  title: string;
  machine: MachineName;
  /** Called for each interpreter, because answers may depend on earlier ones. */
  surround(): Surroundings;
  expected: Expected;
  /**
   * True if a task that waits for a token is repeated after an answer. LocalStack's interpreter repeats it with the
   * earlier token, and takes the earlier answer again. Therefore it may send the message more often than AWS does.
   */
  repeatsTasks?: true;
}

export interface Expected {
  /** The outcome, or the part of it that matters. */
  outcome: Partial<Outcome>;
  /** Number of messages by kind. */
  messages: Readonly<Record<string, number>>;
  /** Number of calls by Lambda function. */
  invocations: Readonly<Record<string, number>>;
  started?: readonly Started[];
}
