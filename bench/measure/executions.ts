import {
  type HistoryEvent,
  paginateGetExecutionHistory,
  paginateListExecutions,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { Span } from './function-logs.ts';

/** An execution with its history. */
export interface ExecutionHistory {
  /** Input as JSON text. */
  input: string;
  startedMs: number;
  events: HistoryEvent[];
}

/** Yields the executions of a state machine that began in a span of time. */
export async function* executionsOf(
  client: SFNClient,
  stateMachineArn: string,
  { fromMs, toMs }: Span,
): AsyncGenerator<ExecutionHistory> {
  for await (const { executions = [] } of paginateListExecutions({ client }, { stateMachineArn })) {
    for (const { executionArn, startDate } of executions) {
      const startedMs = startDate?.getTime() ?? 0;
      if (executionArn === undefined || startedMs < fromMs || startedMs >= toMs) continue;
      const events: HistoryEvent[] = [];
      for await (const page of paginateGetExecutionHistory(
        { client },
        { executionArn, includeExecutionData: true, maxResults: 1_000 },
      )) {
        events.push(...(page.events ?? []));
      }
      yield { input: events[0]?.executionStartedEventDetails?.input ?? '', startedMs, events };
    }
  }
}
