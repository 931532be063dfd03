import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import * as z from 'zod';
import { down, environmentOf, isUp, up } from './cloud.ts';
import { chosenHome } from './state.ts';

const home = chosenHome();
/** Exit code after SIGINT or SIGTERM. */
const INTERRUPTED = 130;

/** Error that is thrown if OpenStack cannot run on this machine. Its message states the reason. */
class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

function checkMachine(): void {
  let system = '';
  try {
    system = readFileSync('/etc/os-release', 'utf8');
  } catch {
    system = process.platform;
  }
  if (!/^ID="?debian"?$/m.test(system) || !/^VERSION_ID="?12"?$/m.test(system)) {
    const name = /^PRETTY_NAME="?(.*?)"?$/m.exec(system)?.[1] ?? process.platform;
    throw new Unavailable(
      `test:openstack needs Debian 12, because it unpacks packages of Debian 12; this is ${name}`,
    );
  }
  if (process.getuid?.() !== 0)
    throw new Unavailable(
      'test:openstack needs root, because it downloads packages with apt-get: run it as root',
    );
}

/**
 * Starts the cloud, runs the contract suite, and stops the cloud. A cloud that already ran is not stopped.
 */
async function test(suiteArguments: readonly string[]): Promise<void> {
  const wasUp = isUp(home);
  const interrupted = Promise.withResolvers<number>();
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interruption.abort();
      interrupted.resolve(INTERRUPTED);
    });
  }
  try {
    process.exitCode = await Promise.race([
      upAndTest(suiteArguments, interruption.signal),
      interrupted.promise,
    ]);
  } finally {
    if (!wasUp) await down(home, { purge: false });
  }
  if (process.exitCode === INTERRUPTED) process.exit();
}

async function upAndTest(suiteArguments: readonly string[], interruption: AbortSignal): Promise<number> {
  await up(home);
  const suite = join(import.meta.dirname, '..', 'contract', 'contract.ts');
  const child = spawn(process.execPath, [suite, '--driver', 'openstack', ...suiteArguments], {
    stdio: 'inherit',
    env: { ...process.env, ...environmentOf(home) },
  });
  interruption.addEventListener('abort', () => child.kill());
  const [status] = await once(child, 'exit');
  return z.number().catch(1).parse(status);
}

const program = new Command('test:openstack')
  .description(
    "Runs a real OpenStack (Keystone, Nova with a fake hypervisor, Neutron, Glance, Placement) from Debian 12's packages on 127.0.0.1. Needs root. Keeps all files in the folder FLEETWRIGHT_OPENSTACK_HOME, by default below the temporary folder, and installs nothing on the machine.",
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 all assertions passed; 1 an assertion failed; 2 invalid use; 3 OpenStack cannot run here.',
  )
  .exitOverride();
program
  .command('test', { isDefault: true })
  .description(
    'downloads missing packages, starts the cloud, runs the contract suite against it, and stops it',
  )
  .argument('[arguments...]', 'arguments of the suite, for instance --json')
  .allowUnknownOption()
  .hook('preAction', checkMachine)
  .action(test);
program
  .command('up')
  .description('downloads missing packages and starts the cloud')
  .hook('preAction', checkMachine)
  .action(() => up(home));
program
  .command('env')
  .description('prints the variables for OpenStack clients')
  .action(() => {
    if (!isUp(home))
      throw new Unavailable('OpenStack does not run: start it with npm run test:openstack -- up');
    for (const [name, value] of Object.entries(environmentOf(home)))
      process.stdout.write(`export ${name}=${value}\n`);
  });
program
  .command('down')
  .description('stops the cloud')
  .option('--purge', 'also remove all files of the cloud', false)
  .action((options: { purge: boolean }) => down(home, options));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof Unavailable ? 3 : 1;
  }
}
