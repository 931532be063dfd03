import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The one folder in which the local stack keeps everything: FLEETWRIGHT_HOME, or `.fleetwright` in the project. */
export function homeFolder(env: Record<string, string | undefined> = process.env): string {
  return resolve(env['FLEETWRIGHT_HOME'] ?? join(PROJECT, '.fleetwright'));
}

const processSchema = z.object({
  pid: z.int().positive(),
  /** When the kernel says that it began: a pid alone may be somebody else's by now. */
  startedAt: z.string(),
  url: z.url(),
});
export type ProcessRecord = z.infer<typeof processSchema>;

const containerSchema = z.object({ container: z.string(), url: z.url() });

const stateSchema = z.object({
  /** What we started; absent for an engine that ran already. */
  engine: z.union([processSchema, containerSchema]).optional(),
  engineUrl: z.url().optional(),
  sim: processSchema.optional(),
  /** Of the sources that are deployed, and to which engine. */
  deployed: z
    .object({ sourcesHash: z.string(), engineUrl: z.url(), outputs: z.record(z.string(), z.string()) })
    .optional(),
});
export type LocalState = z.infer<typeof stateSchema>;

/** What clients need; the CLI reads it. */
export const contextSchema = z.object({
  apiUrl: z.url(),
  apiKey: z.string(),
  simUrl: z.url(),
  engineUrl: z.url(),
  namespace: z.string(),
});
export type LocalContext = z.infer<typeof contextSchema>;

export function readState(home: string): LocalState {
  return readJson(join(home, 'state.json'), stateSchema) ?? {};
}

export function writeState(home: string, state: LocalState): void {
  writeJson(join(home, 'state.json'), state);
}

export function readContext(home: string): LocalContext | undefined {
  return readJson(join(home, 'context.json'), contextSchema);
}

/** Readable by its owner alone: it holds an API key. */
export function writeContext(home: string, context: LocalContext): void {
  writeJson(join(home, 'context.json'), context);
}

function readJson<Value>(file: string, schema: z.ZodType<Value>): Value | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all: a process killed in between leaves the old file. */
function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
