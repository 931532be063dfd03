import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { LocalStatus } from '../local/down.ts';
import type { LocalContext } from '../local/home.ts';
import type { UpOptions } from '../local/up.ts';
import { CliError, EXIT } from './exit.ts';

/**
 * The stack on this machine, as `local` commands need it. This file is the one way of the command line into
 * `local/`, which is loaded only when one of them runs.
 */
export interface LocalStack {
  up(options: Pick<UpOptions, 'seed' | 'simConfig' | 'report'>): Promise<LocalContext>;
  down(options: { purge: boolean }): Promise<{ ended: string[] }>;
  status(): Promise<LocalStatus>;
  logs(options: LogOptions): Promise<void>;
}

export const LOG_PARTS = ['engine', 'sim', 'cdk'] as const;
export type LogPart = (typeof LOG_PARTS)[number];

export interface LogOptions {
  part: LogPart;
  lines: number;
  /** Go on with what is written next, until the signal is aborted. */
  follow: boolean;
  write(text: string): void;
  signal: AbortSignal;
}

const FOLLOW_EVERY_MS = 500;

export const localStack: LocalStack = {
  up: (options) => started(async () => (await import('../local/up.ts')).up(options)),
  down: (options) => started(async () => (await import('../local/down.ts')).down(options)),
  status: () => started(async () => (await import('../local/down.ts')).status()),
  logs: (options) =>
    started(async () => printLog((await import('../local/down.ts')).logFile(options.part), options)),
};

/** @throws CliError where the local stack cannot be started or reached */
async function started<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { LocalFailure } = await import('../local/failure.ts');
    if (!(error instanceof LocalFailure)) throw error;
    throw new CliError(EXIT.unreachable, 'local-failure', error.message, error.advice, { cause: error });
  }
}

/** Prints the last lines of a log, and what is written to it from then on when asked to follow. */
export async function printLog(path: string, { lines, follow, write, signal }: LogOptions): Promise<void> {
  const log = await open(path).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new CliError(
      EXIT.unreachable,
      'no-log',
      `there is no log at ${path}`,
      'Start the local stack with `fleetwright local up`. An engine that ran before keeps its own log.',
    );
  });
  try {
    const decoder = new StringDecoder('utf8');
    const text = decoder.write(await log.readFile());
    const all = text.replace(/\n$/, '').split('\n');
    if (text !== '') write(`${all.slice(-lines).join('\n')}${text.endsWith('\n') || !follow ? '\n' : ''}`);
    while (follow && !signal.aborted) {
      const more = decoder.write(await log.readFile());
      if (more !== '') write(more);
      await pause(FOLLOW_EVERY_MS, signal);
    }
  } finally {
    await log.close();
  }
}

/** Never rejects; ends early when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** All of a stream, as text. */
export async function readAll(stream: Readable): Promise<string> {
  stream.setEncoding('utf8');
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}
