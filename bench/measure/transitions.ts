import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { executionsOf } from './executions.ts';
import type { Span } from './function-logs.ts';

export interface WorkflowUse {
  executions: number;
  transitions: number;
  /** Messages that Step Functions sent itself; SQS bills them as any other. */
  sqsSends: number;
  mostEvents: number;
}

/** What executions that began in a span took, from their histories. */
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
 * State transitions as AWS bills them: each state entered, each retry of a task, and the end of the execution. A
 * task is scheduled once for each entry and once for each retry, so that tasks are counted by that: the local engine
 * tells no entries of states within a Map. The other states in there (one Map for each cloud) it does not tell at all.
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
