import { runCli } from './program.ts';
import { systemWorld } from './shell/system-world.ts';

// A program that reads this program's output, such as `head`, may stop reading. The next write then fails
// with EPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await runCli(process.argv.slice(2), systemWorld);
