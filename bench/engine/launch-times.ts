import {
  type CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import type { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { executionsOf } from '../measure/executions.ts';
import type { Span } from '../measure/function-logs.ts';

const fleetInputSchema = z.object({ fleetId: z.string() });
const receivedSchema = z.object({
  message: z.literal('launches received'),
  instances: z.array(z.string()),
  sentAtMs: z.number().optional(),
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

/** Times in ms since 1970, by instance id. */
export interface MessageTimes {
  /** When the launch message of the instance was first sent. */
  sent: Map<string, number>;
  /** When a worker first received it. */
  received: Map<string, number>;
}

/** Reads the times of launch messages, as the workers have logged them. */
export async function readMessageTimes(
  client: CloudWatchLogsClient,
  { fromMs, toMs }: Span,
): Promise<MessageTimes> {
  const times: MessageTimes = { sent: new Map(), received: new Map() };
  const groups = paginateDescribeLogGroups({ client }, { logGroupNamePrefix: '/fleetwright/' });
  for await (const { logGroups = [] } of groups) {
    for (const { logGroupName = '' } of logGroups) {
      if (!logGroupName.includes('/drivers-')) continue;
      const pages = paginateFilterLogEvents(
        { client },
        { logGroupName, startTime: fromMs, endTime: toMs - 1 },
      );
      for await (const { events = [] } of pages) {
        for (const { message = '', timestamp } of events) keepTimes(times, message, timestamp ?? toMs);
      }
    }
  }
  return times;
}

function keepTimes({ sent, received }: MessageTimes, text: string, atMs: number): void {
  const line = receivedSchema.safeParse(parseJson(text)).data;
  for (const id of line?.instances ?? []) {
    keepFirst(received, id, atMs);
    if (line?.sentAtMs !== undefined) keepFirst(sent, id, line.sentAtMs);
  }
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
