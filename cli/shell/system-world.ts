import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import { createClient } from '../../client/index.ts';
import type { World } from './context.ts';
import { findEngineApi, localStack } from './local-stack.ts';

/** The real implementation of `World`. */
export const systemWorld: World = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
  sleep: pause,
  readFile: (path) => readFile(path, 'utf8'),
  readBytes,
  async readStdin(mostBytes) {
    return await readAll(process.stdin, mostBytes);
  },
  onInterrupt(callback) {
    process.on('SIGINT', callback);
    return () => {
      process.off('SIGINT', callback);
    };
  },
  connect: createClient,
  issueKeyDirectly: async (...request) => (await import('./direct-access.ts')).issueKeyDirectly(...request),
  async ask(question) {
    if (!process.stdin.isTTY) return undefined;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await terminal.question(question);
    } finally {
      terminal.close();
    }
  },
  writeNewFile,
  openTables: async (...names) => (await import('./direct-tables.ts')).openTables(...names),
  openAccount: async (settings) => (await import('./aws-account.ts')).openAwsAccount(settings, Date.now),
  stageNeeds: async (stage) => (await import('./stage-needs.ts')).stageNeeds(stage),
  apiUrlOf: async (output, engineUrl) =>
    engineUrl === undefined ? output : await findEngineApi(engineUrl, output),
  fetch: (...request) => fetch(...request),
  local: localStack,
};

async function readBytes(path: string, mostBytes: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    return await readAll(file.createReadStream({ end: mostBytes, autoClose: false }), mostBytes);
  } finally {
    await file.close();
  }
}

/** Reads a stream to its end, or to the part that exceeds `mostBytes`. */
async function readAll(stream: Readable, mostBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    const bytes = Buffer.from(part);
    parts.push(bytes);
    length += bytes.length;
    if (length > mostBytes) break;
  }
  return Buffer.concat(parts);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
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

/** Writes a new file, and flushes it and its folder to the disk. Only this user can read the file. */
async function writeNewFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
