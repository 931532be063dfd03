import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  paginateDescribeLogGroups,
} from '@aws-sdk/client-cloudwatch-logs';
import { engineAccess, engineSettings } from './engine/access.ts';
import { containerLog } from './engine/docker.ts';
import { isHealthy } from './engine/engine.ts';
import { StateFolder } from './state/folder.ts';
import { tailOf } from './state/processes.ts';
import { type EngineRecord, engineRecordSchema, RECORDS } from './state/records.ts';

export const LOG_PARTS = ['engine', 'clouds', 'deploy', 'functions'] as const;
export type LogPart = (typeof LOG_PARTS)[number];

export interface LogsOptions {
  home?: string;
  /** The part whose logs are returned. Absent: all parts. */
  part?: LogPart;
  /** Maximum number of lines from the end of each part's logs. Default: 50. */
  lines?: number;
}

export interface LogLine {
  part: LogPart;
  line: string;
}

/** Returns the last log lines of each part of the local stack, part by part. Lines of functions are sorted by time. */
export async function logs({ home, part, lines = 50 }: LogsOptions = {}): Promise<LogLine[]> {
  const folder = new StateFolder(home);
  const engine = folder.read(RECORDS.engine, engineRecordSchema);
  const wanted = part === undefined ? LOG_PARTS : [part];
  const found = await Promise.all(
    wanted.map(async (one) =>
      (await linesOf(one, { folder, engine, lines })).map((line) => ({ part: one, line })),
    ),
  );
  return found.flat();
}

interface Source {
  folder: StateFolder;
  engine: EngineRecord | undefined;
  lines: number;
}

async function linesOf(part: LogPart, { folder, engine, lines }: Source): Promise<string[]> {
  if (part === 'functions') return engine ? await functionLines(engine, lines) : [];
  if (part === 'engine' && engine?.kind === 'container') return await containerLog(engine.container, lines);
  return tailOf(folder.log(part), lines);
}

async function functionLines(engine: EngineRecord, lines: number): Promise<string[]> {
  if (!(await isHealthy(engine.url))) return [];
  const client = new CloudWatchLogsClient(engineSettings(engineAccess(engine)));
  const groups: string[] = [];
  for await (const page of paginateDescribeLogGroups(
    { client },
    { logGroupNamePrefix: '/fleetwright/local/' },
  )) {
    groups.push(...(page.logGroups ?? []).flatMap(({ logGroupName }) => logGroupName ?? []));
  }
  const events = await Promise.all(groups.map((group) => eventsOf(client, group, lines)));
  return events
    .flat()
    .sort((a, b) => a.timeMs - b.timeMs)
    .slice(-lines)
    .map(
      ({ timeMs, group, message }) =>
        `${new Date(timeMs).toISOString()} ${group.split('/').at(-1)} ${message}`,
    );
}

/** Maximum age in ms of the functions' log lines. Older lines are left out. */
const RECENT_MS = 10 * 60_000;

async function eventsOf(client: CloudWatchLogsClient, group: string, lines: number) {
  const { events = [] } = await client.send(
    new FilterLogEventsCommand({ logGroupName: group, startTime: Date.now() - RECENT_MS, limit: 10_000 }),
  );
  return events
    .map(({ timestamp = 0, message = '' }) => ({ timeMs: timestamp, group, message: message.trimEnd() }))
    .slice(-lines);
}
