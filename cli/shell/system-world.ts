import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline/promises';
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
  readBytes: (path) => readFile(path),
  async readStdin() {
    process.stdin.setEncoding('utf8');
    let text = '';
    for await (const part of process.stdin) text += String(part);
    return text;
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
