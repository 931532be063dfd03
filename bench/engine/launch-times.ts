import {
  type CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { instanceId } from '../../functions/model/identifiers.ts';
import { executionsOf } from '../measure/executions.ts';
import type { Span } from '../measure/function-logs.ts';

const fleetInputSchema = z.object({ fleetId: z.string() });
const locationInputSchema = z.object({ fleetId: z.string(), first: z.number(), last: z.number() });
const receivedSchema = z.object({
  message: z.literal('launches received'),
  instances: z.array(z.string()),
});

/** Reads at what time the workflow of each fleet began. The keys are fleet ids, the times are in ms since 1970. */
export async function readFleetStarts(
  client: SFNClient,
  stateMachineArn: string,
  span: Span,
): Promise<Map<string, number>> {
  const starts = new Map<string, number>();
  for await (const { input, startedMs } of executionsOf(client, stateMachineArn, span)) {
    keepFirst(starts, fleetInputSchema.parse(parseJson(input)).fleetId, startedMs);
  }
  return starts;
}

/**
 * Reads at what time the launch message of each instance was first sent. The keys are instance ids, the times
 * are in ms since 1970. The local engine's histories do not have the messages. Therefore the order of the
 * tasks tells which instance a task belongs to: an execution schedules its tasks in the order of its
 * instances.
 */
export async function readSendTimes(
  client: SFNClient,
  stateMachineArn: string,
  span: Span,
): Promise<Map<string, number>> {
  const sent = new Map<string, number>();
  for await (const { input, events } of executionsOf(client, stateMachineArn, span)) {
    const { fleetId, first, last } = locationInputSchema.parse(parseJson(input));
    let index = first;
    for (const { timestamp, taskScheduledEventDetails: task } of events) {
      if (!task?.resource?.includes('sqs:sendMessage') || !timestamp || index > last) continue;
      keepFirst(sent, instanceId({ fleetId, index }), timestamp.getTime());
      index += 1;
    }
  }
  return sent;
}

/**
 * Reads at what time a worker first received the launch message of each instance. The keys are instance ids, the
 * times are in ms since 1970.
 */
export async function readReceiveTimes(
  client: CloudWatchLogsClient,
  { fromMs, toMs }: Span,
): Promise<Map<string, number>> {
  const received = new Map<string, number>();
  const groups = paginateDescribeLogGroups({ client }, { logGroupNamePrefix: '/fleetwright/' });
  for await (const { logGroups = [] } of groups) {
    for (const { logGroupName = '' } of logGroups) {
      if (!logGroupName.includes('/drivers-')) continue;
      const pages = paginateFilterLogEvents(
        { client },
        { logGroupName, startTime: fromMs, endTime: toMs - 1 },
      );
      for await (const { events = [] } of pages) {
        for (const { message = '', timestamp } of events) {
          const line = receivedSchema.safeParse(parseJson(message)).data;
          for (const id of line?.instances ?? []) keepFirst(received, id, timestamp ?? toMs);
        }
      }
    }
  }
  return received;
}

function keepFirst(times: Map<string, number>, id: string, atMs: number): void {
  times.set(id, Math.min(times.get(id) ?? atMs, atMs));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
