import * as z from 'zod';
import type { ChoiceState, Json, State, StateGraph } from './definition.ts';
import { CancelledError, InterpreterError, StatesError } from './errors.ts';
import { fill, fillAs } from './expressions.ts';
import { attemptMap } from './map.ts';
import { type Left, withRecovery } from './recovery.ts';
import { contextOf, pause, type Run, type Visit } from './run.ts';
import { attemptTask } from './task.ts';

/**
 * Runs a state machine, or a Map's item processor for one item, from the first state to the end.
 *
 * @param outer the context object that all states of the graph share, without `State` and `Task`
 * @throws StatesError if a state fails and no Catch handles its error
 */
export async function runGraph(
  graph: StateGraph,
  input: Json,
  run: Run,
  outer: Record<string, Json>,
): Promise<Json> {
  let name: string | undefined = graph.StartAt;
  let carried = input;
  while (name !== undefined) {
    if (run.cancellation.cancelled) throw new CancelledError();
    const state: State | undefined = graph.States[name];
    if (!state) throw new InterpreterError(`the state ${name} does not exist`);
    const { transition } = run.host.services;
    if (transition) {
      await transition();
      if (run.cancellation.cancelled) throw new CancelledError();
    }
    run.history.enter(state.Type);
    const visit: Visit = {
      run,
      name,
      input: run.history.carry(`input of ${name}`, carried),
      outer,
      retryCount: 0,
    };
    const left: Left = await perform(state, visit);
    carried = run.history.carry(`output of ${name}`, left.output);
    run.history.add(`${state.Type}StateExited`);
    name = left.next;
  }
  return carried;
}

async function perform(state: State, visit: Visit): Promise<Left> {
  const { input, run } = visit;
  const states = { input, context: contextOf(visit) };
  switch (state.Type) {
    case 'Task':
      return withRecovery(state, visit, () => attemptTask(state, visit));
    case 'Map':
      return withRecovery(state, visit, () => attemptMap(state, visit, runGraph));
    case 'Pass':
      return {
        output: state.Output === undefined ? input : await fill(state.Output, states),
        next: state.Next,
      };
    case 'Choice':
      return choose(state, visit);
    case 'Wait':
      await pause(run, 1_000 * (await fillAs(z.int().nonnegative(), 'Seconds', state.Seconds, states)));
      return { output: input, next: state.Next };
    case 'Succeed':
      return { output: input, next: undefined };
    case 'Fail': {
      const error = await fillAs(z.string(), 'Error', state.Error, states);
      throw new StatesError(error, await fillAs(z.string(), 'Cause', state.Cause ?? '', states));
    }
  }
}

async function choose(state: ChoiceState, visit: Visit): Promise<Left> {
  const states = { input: visit.input, context: contextOf(visit) };
  for (const { Condition, Next } of state.Choices) {
    if (await fillAs(z.boolean(), 'Condition', Condition, states)) return { output: visit.input, next: Next };
  }
  if (state.Default === undefined) throw new StatesError('States.NoChoiceMatched');
  return { output: visit.input, next: state.Default };
}
