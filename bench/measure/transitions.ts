import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { executionsOf } from './executions.ts';
import type { Span } from './function-logs.ts';

export interface WorkflowUse {
  executions: number;
  transitions: number;
  /** Messages that Step Functions sent. SQS bills them like all other messages. */
  sqsSends: number;
  mostEvents: number;
}

/** Reads the histories of the executions that began in a span of time, and adds up what the executions used. */
export async function readWorkflowUse(
  client: SFNClient,
  machineArns: readonly string[],
  span: Span,
): Promise<WorkflowUse> {
  const sum: WorkflowUse = { executions: 0, transitions: 0, sqsSends: 0, mostEvents: 0 };
  for (const stateMachineArn of machineArns) {
    for await (const { events } of executionsOf(client, stateMachineArn, span)) {
      sum.executions += 1;
      sum.transitions += transitionsOf(events);
      sum.sqsSends += events.filter(sendsToSqs).length;
      sum.mostEvents = Math.max(sum.mostEvents, events.length);
    }
  }
  return sum;
}

/**
 * Counts state transitions as AWS bills them: each state that is entered, each retry of a task, and the end
 * of the execution. The local engine's histories do not show that a state within a Map is entered. Task
 * states are therefore counted by their scheduling: a task is scheduled once when its state is entered, and
 * once for each retry. Other states within a Map are not counted, because the histories do not have them.
 */
export function transitionsOf(events: readonly Pick<HistoryEvent, 'type'>[]): number {
  const tasks = events.filter(
    ({ type }) => type === 'TaskScheduled' || type === 'LambdaFunctionScheduled',
  ).length;
  const others = events.filter(
    ({ type }) => type?.endsWith('StateEntered') === true && type !== 'TaskStateEntered',
  ).length;
  return tasks + others + 1;
}

function sendsToSqs({ taskScheduledEventDetails: task }: HistoryEvent): boolean {
  return task?.resourceType === 'sqs' || task?.resource?.includes('sqs:sendMessage') === true;
}
