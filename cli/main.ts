import { readFile } from 'node:fs/promises';
import { createClient } from '../client/index.ts';
import type { World } from './context.ts';
import { localStack, pause, readAll } from './local-stack.ts';
import { runCli } from './program.ts';

const world: World = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
  sleep: pause,
  readFile: (path) => readFile(path, 'utf8'),
  readStdin: () => readAll(process.stdin),
  onInterrupt(callback) {
    process.on('SIGINT', callback);
    return () => {
      process.off('SIGINT', callback);
    };
  },
  connect: createClient,
  issueKeyDirectly: async (...request) => (await import('./direct-access.ts')).issueKeyDirectly(...request),
  local: localStack,
};

// Whoever reads our output may stop reading, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await runCli(process.argv.slice(2), world);
