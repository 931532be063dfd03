import {
  type CloudWatchLogsClient,
  type FilteredLogEvent,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';

/** The usage line that each invocation logs (`functions/platform/runtime/measured.ts`). */
const usageLineSchema = z.object({
  message: z.literal('usage'),
  usage: z.object({
    readUnits: z.number(),
    writeUnits: z.number(),
    sqsRequests: z.number(),
    sfnRequests: z.number(),
    cloudCalls: z.number(),
    peakMemoryMb: z.number(),
  }),
});

/** Resources that a function's invocations consumed in a span of time. */
export interface FunctionUse {
  invocations: number;
  gbSeconds: number;
  readUnits: number;
  writeUnits: number;
  sqsRequests: number;
  sfnRequests: number;
  cloudCalls: number;
  /** The largest resident set, in MB, of the processes that ran the function. */
  peakMemoryMb: number;
  /** Bytes of log text, without the bytes that CloudWatch adds. */
  logBytes: number;
}

export const NO_USE: FunctionUse = {
  invocations: 0,
  gbSeconds: 0,
  readUnits: 0,
  writeUnits: 0,
  sqsRequests: 0,
  sfnRequests: 0,
  cloudCalls: 0,
  peakMemoryMb: 0,
  logBytes: 0,
};

const REPORT = /^REPORT .*Billed Duration: (\d+(?:\.\d+)?) ms\s+Memory Size: (\d+) MB/;

/** Returns the usage that a log line reports; undefined for any other line. */
export function useOf(line: string): Partial<FunctionUse> | undefined {
  const [, billedMs, memoryMb] = REPORT.exec(line) ?? [];
  if (billedMs !== undefined && memoryMb !== undefined) {
    return { invocations: 1, gbSeconds: (Number(billedMs) / 1_000) * (Number(memoryMb) / 1_024) };
  }
  if (!line.startsWith('{')) return undefined;
  return usageLineSchema.safeParse(parseJson(line)).data?.usage;
}

export function addUse(a: FunctionUse, b: Partial<FunctionUse>): FunctionUse {
  return {
    invocations: a.invocations + (b.invocations ?? 0),
    gbSeconds: a.gbSeconds + (b.gbSeconds ?? 0),
    readUnits: a.readUnits + (b.readUnits ?? 0),
    writeUnits: a.writeUnits + (b.writeUnits ?? 0),
    sqsRequests: a.sqsRequests + (b.sqsRequests ?? 0),
    sfnRequests: a.sfnRequests + (b.sfnRequests ?? 0),
    cloudCalls: a.cloudCalls + (b.cloudCalls ?? 0),
    peakMemoryMb: Math.max(a.peakMemoryMb, b.peakMemoryMb ?? 0),
    logBytes: a.logBytes + (b.logBytes ?? 0),
  };
}

/** A span from the first time up to, but not including, the second; in milliseconds since 1970. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/**
 * Reads from the logs what each function consumed in a span. The keys are the last parts of the log groups'
 * names, for example `drivers-sim`. An invocation belongs to the span in which it ended.
 */
export async function readFunctionUse(
  client: CloudWatchLogsClient,
  { fromMs, toMs }: Span,
): Promise<Map<string, FunctionUse>> {
  const byFunction = new Map<string, FunctionUse>();
  for await (const { logGroups = [] } of paginateDescribeLogGroups(
    { client },
    { logGroupNamePrefix: '/fleetwright/' },
  )) {
    for (const { logGroupName } of logGroups) {
      if (logGroupName === undefined) continue;
      let use = NO_USE;
      const pages = paginateFilterLogEvents(
        { client },
        { logGroupName, startTime: fromMs, endTime: toMs - 1 },
      );
      for await (const { events = [] } of pages) use = events.reduce(addEvent, use);
      if (use.invocations > 0) byFunction.set(logGroupName.split('/').at(-1) ?? logGroupName, use);
    }
  }
  return byFunction;
}

function addEvent(use: FunctionUse, { message = '' }: FilteredLogEvent): FunctionUse {
  return addUse(use, { ...useOf(message), logBytes: Buffer.byteLength(message) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
