import { Command, CommanderError } from 'commander';
import pLimit from 'p-limit';
import { StartFailure } from '../../local/state/start-failure.ts';
import { parseDefinition, type StateGraph } from '../state-machines/interpreter/definition.ts';
import { definitionText, MACHINES, SUBSTITUTIONS } from '../state-machines/world.ts';
import { checkPath } from './check-path.ts';
import { ENGINE, type MotoInterpreter, startMotoInterpreter } from './moto-interpreter.ts';
import { observeOwnInterpreter } from './own-interpreter.ts';
import type { Path } from './path.ts';
import { PATHS } from './paths/index.ts';

/** More would only wait for moto, which runs on one core. */
const AT_A_TIME = 6;
/** What the test answers in AWS' place. */
const STUBBED = ['Lambda functions', 'the worker of the queue'];

interface Flags {
  path?: string[];
  json: boolean;
}

interface Failure {
  path: string;
  message: string;
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const tell = (line: string) => process.stdout.write(`${line}\n`);

function failureOf(path: string, title: string, error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  say(`FAILED ${path}: ${title}\n${message}`);
  return { path, message };
}

/** Plays a path in both interpreters. Returns why it failed. */
async function play(path: Path, moto: MotoInterpreter): Promise<Failure | undefined> {
  const startMs = performance.now();
  try {
    checkPath(path, await moto.observe(path), await observeOwnInterpreter(path));
  } catch (error) {
    return failureOf(path.id, path.title, error);
  }
  say(
    `passed ${path.machine} ${path.id} (${((performance.now() - startMs) / 1_000).toFixed(1)} s): ${path.title}`,
  );
  return undefined;
}

function statesOf({ States }: StateGraph): string[] {
  return Object.entries(States).flatMap(([name, state]) => [
    name,
    ...(state.Type === 'Map' ? statesOf(state.ItemProcessor) : []),
  ]);
}

/** Checks that the paths entered every state of every state machine. */
function checkStates(entered: ReadonlySet<string>): Failure | undefined {
  const all = MACHINES.flatMap((machine) =>
    statesOf(parseDefinition(definitionText(machine), SUBSTITUTIONS)).map((state) => `${machine} ${state}`),
  );
  const missed = all.filter((state) => !entered.has(state));
  if (missed.length > 0) {
    const message = `no path entered ${missed.join(', ')}`;
    say(`FAILED every-state: ${message}`);
    return { path: 'every-state', message };
  }
  say(`passed every-state: the paths entered all ${all.length} states`);
  return undefined;
}

/** Creates the state machines, and plays the paths. Returns one result for each path, and one for the states. */
async function playAll(chosen: readonly Path[], isWhole: boolean): Promise<(Failure | undefined)[]> {
  const moto = await startMotoInterpreter();
  try {
    for (const machine of MACHINES) {
      try {
        await moto.create(machine);
      } catch (error) {
        return [failureOf('create', `moto refuses the definition of ${machine}`, error)];
      }
    }
    const atATime = pLimit(AT_A_TIME);
    const results = await Promise.all(chosen.map((path) => atATime(() => play(path, moto))));
    return isWhole ? [...results, checkStates(moto.entered())] : results;
  } finally {
    await moto.close();
  }
}

async function main({ path: wanted, json }: Flags): Promise<number> {
  const unknown = (wanted ?? []).filter((id) => !PATHS.some((path) => path.id === id));
  if (unknown.length > 0) {
    say(`there is no path ${unknown.join(', ')}; --help lists the paths`);
    return 2;
  }
  const chosen = PATHS.filter(({ id }) => wanted === undefined || wanted.includes(id));
  const results = await playAll(chosen, wanted === undefined);
  const failures = results.filter((result) => result !== undefined);
  const machines = new Set(chosen.map(({ machine }) => machine)).size;
  const [passed, failed] = [results.length - failures.length, failures.length];
  const report = { engine: ENGINE, machines, passed, failed, stubbed: STUBBED, failures };
  tell(
    json
      ? JSON.stringify(report)
      : `${machines} state machines in ${ENGINE}: ${passed} passed, ${failed} failed`,
  );
  return failed === 0 ? 0 : 1;
}

const program = new Command('test:asl')
  .description(
    "Run the state machines of this repository to their end in moto, whose interpreter of Step Functions is LocalStack's own code, and compare with the interpreter of test/state-machines. Progress goes to standard error.",
  )
  .option('--path <id...>', 'play only these paths; the check that every state was entered is then left out')
  .option('--json', 'print the result as one line of JSON on standard output', false)
  .addHelpText(
    'after',
    `\nStubbed: ${STUBBED.join(', ')}.\nExit codes: 0 all paths passed; 1 a path failed, or moto did not start; 2 invalid use.\n\nPaths:\n${PATHS.map(({ id, machine, title }) => `  ${id} (${machine}): ${title}`).join('\n')}`,
  )
  .exitOverride()
  .action(async (flags: Flags) => {
    process.exitCode = await main(flags);
  });

// moto stops at the event `exit` of this process. A signal does not cause this event; a call of `process.exit` does.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    say(error instanceof StartFailure ? `${error.message}\n${error.next}` : String(error));
    process.exitCode = 1;
  }
}
