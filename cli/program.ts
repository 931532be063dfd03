import { Command, CommanderError } from 'commander';
import type { Client } from '../client/index.ts';
import { plainJson, plainLines } from '../functions/model/plain-text.ts';
import project from '../package.json' with { type: 'json' };
import { nouns } from './commands/index.ts';
import { examplesText, type Outcome, type Runner } from './shell/command.ts';
import type { Context, World } from './shell/context.ts';
import { EXIT, usageError } from './shell/exit.ts';
import { tell } from './shell/failure.ts';
import { type GlobalOptions, resolveNamespace, resolveSession } from './shell/settings.ts';

const EXIT_CODES = `
Exit codes:
  0    done
  1    the result is not what was requested, for example not all instances of a fleet run
  2    wrong use: flags or files are wrong, or the API refused the request
  3    something that the command needs cannot be reached or started
  130  interrupted by Ctrl-C; work that was started continues
`;

/**
 * Makes the program `fleetwright` with all its commands.
 *
 * @param run is called with the command that the user gave, and with that command's action
 */
export function makeProgram(run: Runner): Command {
  const program = new Command('fleetwright')
    .description('Fleets of virtual machines on many clouds.')
    .version(project.version, '--version')
    .option('--json', 'print the result to stdout as one JSON document')
    .option('--api-url <url>', 'URL of the API (default: FLEETWRIGHT_API_URL, then the local stack)')
    .option(
      '--api-key <key>',
      'API key; prefer the variable FLEETWRIGHT_API_KEY, because other users of the machine can read flags',
    )
    .option(
      '--token <token>',
      'token of your identity provider, instead of an API key; prefer the variable FLEETWRIGHT_TOKEN',
    )
    .option(
      '--namespace <name>',
      'namespace (default: FLEETWRIGHT_NAMESPACE, then that of the local stack, then default)',
      (name: string, earlier: string[] = []) => [...earlier, name],
    )
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      examplesText([
        'local up',
        'fleet create -f fleet.yaml --wait',
        'fleet instances web-global --status Failed',
        'fleet delete web-global --wait',
      ]) + EXIT_CODES,
    );
  for (const noun of nouns) program.addCommand(noun(run));
  return program;
}

/**
 * Runs one command line. Prints errors instead of throwing them.
 *
 * @param args without the program's name
 * @returns the exit code
 */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  const json = args.includes('--json');
  let exitCode: number = EXIT.done;
  const program = makeProgram(async (_command, action, globals) => {
    const outcome = await action(contextOf(globals, world));
    world.stdout.write(json ? documentText(outcome.document) : plainLines(lineEnded(outcome.text)));
    exitCode = outcome.exitCode ?? EXIT.done;
  });
  captureOutput(program, world);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const told = tell(error instanceof CommanderError ? wrongUse(error) : error);
    world.stderr.write(plainLines(told.text));
    if (world.env['FLEETWRIGHT_DEBUG'] && error instanceof Error)
      world.stderr.write(plainLines(`${error.stack}\n`));
    if (json) world.stdout.write(documentText(told.document));
    return told.exitCode;
  }
}

const lineEnded = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
const documentText = (document: Outcome['document']): string => `${plainJson(document)}\n`;

function contextOf(globals: GlobalOptions, world: World): Context {
  let api: Promise<Client> | undefined;
  return {
    world,
    json: globals.json === true,
    api: () => {
      api ??= resolveSession(globals, world).then((session) => world.connect(session));
      return api;
    },
    namespace: () => resolveNamespace(globals, world),
    givenNamespaces: globals.namespace ?? [],
    say: (line) => {
      world.stderr.write(`${plainLines(line)}\n`);
    },
  };
}

/**
 * Sends help to the streams of `world`, and suppresses Commander's own error texts, because `runCli` prints all
 * errors.
 */
function captureOutput(command: Command, world: World): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => world.stdout.write(text),
    writeErr: (text) => world.stderr.write(text),
    outputError: () => undefined,
  });
  command.configureHelp({ showGlobalOptions: true });
  for (const child of command.commands) captureOutput(child, world);
}

function wrongUse(error: CommanderError) {
  const message =
    error.code === 'commander.help' ? 'the command has no verb' : error.message.replace(/^error: /, '');
  return usageError(message, 'Run `fleetwright --help`, or add --help to the noun and verb.');
}
