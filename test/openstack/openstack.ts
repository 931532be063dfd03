import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { down, environmentOf, isUp, up } from './cloud.ts';
import { chosenHome } from './state.ts';

const home = chosenHome();
/** Exit code after SIGINT or SIGTERM. */
const INTERRUPTED = 130;

/** Nothing can be started here; the message says why. */
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
    throw new Unavailable(`test:openstack needs Debian 12, whose packages it unpacks; this is ${name}`);
  }
  if (process.getuid?.() !== 0)
    throw new Unavailable('test:openstack needs root: it asks apt-get for packages');
}

/** Everything once: up, the contract suite, down; what ran before is left running. */
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
    "A real OpenStack (Keystone, Nova with a fake hypervisor, Neutron, Glance, Placement) from Debian 12's packages, on 127.0.0.1. Needs root. All of it is in a folder, FLEETWRIGHT_OPENSTACK_HOME or one below the temporary folder; nothing is installed on the machine.",
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 the contract is kept; 1 it is not; 2 wrong use; 3 it cannot run here.',
  )
  .exitOverride();
program
  .command('test', { isDefault: true })
  .description('fetches what is missing, starts it, runs the contract suite against it, and stops it')
  .argument('[arguments...]', "the suite's, such as --json")
  .allowUnknownOption()
  .hook('preAction', checkMachine)
  .action(test);
program
  .command('up')
  .description('fetches what is missing and starts it')
  .hook('preAction', checkMachine)
  .action(() => up(home));
program
  .command('env')
  .description('prints the variables by which it is found')
  .action(() => {
    if (!isUp(home)) throw new Unavailable('it does not run: npm run test:openstack -- up');
    for (const [name, value] of Object.entries(environmentOf(home)))
      process.stdout.write(`export ${name}=${value}\n`);
  });
program
  .command('down')
  .description('stops it')
  .option('--purge', 'and removes all of it', false)
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
