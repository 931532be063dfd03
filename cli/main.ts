import { runCli } from './program.ts';
import { systemWorld } from './shell/system-world.ts';

// The program that reads the output may stop reading, as `head` does. The next write then fails with EPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await runCli(process.argv.slice(2), systemWorld);
