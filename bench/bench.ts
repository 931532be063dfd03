import { Command } from 'commander';
import { EXIT } from '../cli/exit.ts';
import { tell } from '../cli/failure.ts';
import { factor, wholeNumber } from '../demo/flags.ts';
import { readFleetFiles, scaleFleet } from '../demo/fleet-files.ts';
import { type Provisioned, prepareClouds, provision, type Removed, remove } from '../demo/provision.ts';
import { reportOf } from '../demo/report.ts';
import { openStack, type Stack } from '../demo/stack.ts';
import { benchDocument, benchText } from './bench-report.ts';
import { countPhase, type PhaseCounts } from './cost.ts';
import { addUse, type FunctionUse, NO_USE, readFunctionUse, type Span } from './function-logs.ts';
import { openEngineClients } from './local-clients.ts';
import { makespanCommand } from './makespan/command.ts';
import { readWorkflowUse } from './transitions.ts';

interface Flags {
  scale: number;
  seed: number;
  json: boolean;
}

async function bench({ scale, seed, json }: Flags): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const requests = readFleetFiles().map((fleet) => scaleFleet(fleet, scale));
  const stack = await openStack({ seed, say });
  await prepareClouds(stack, requests, seed);
  const around = { out: process.stderr, signal: new AbortController().signal };

  const beganMs = Date.now();
  const provisioned = await provision(stack, requests, around);
  for (const refusal of provisioned.refusals) say(tell(refusal).text);
  const upMs = Date.now();
  const removed = await remove(stack, provisioned, around);
  const goneMs = Date.now();
  say('Counting from the logs and histories');
  const phases = await countRun(stack, { provisioned, removed, beganMs, upMs, goneMs });
  const { line, asAsked } = reportOf(requests, provisioned, removed);
  process.stdout.write(
    json ? `${JSON.stringify(benchDocument(line, phases))}\n` : `\n${benchText(line, phases)}`,
  );
  return asAsked ? EXIT.done : EXIT.otherwise;
}

interface Run {
  provisioned: Provisioned;
  removed: Removed;
  beganMs: number;
  upMs: number;
  goneMs: number;
}

/**
 * What launching took, from the API call to Running and with its share of the status calls, and what terminating
 * took. Whoever watches asks the API as often as they like, so its functions are counted while the fleets are asked
 * for only.
 */
async function countRun(stack: Stack, { provisioned, removed, beganMs, upMs, goneMs }: Run) {
  const clients = openEngineClients(stack.engineUrl);
  const { outputs } = stack;
  const use = (span: Span) => readFunctionUse(clients.logs, span);
  const launches = { fromMs: beganMs, toMs: upMs };
  const terminations = { fromMs: upMs, toMs: goneMs };
  const machines = (...names: string[]) =>
    names.flatMap((name) => {
      const arn = outputs[name];
      return arn === undefined ? [] : [arn];
    });
  const provisioning = machines('ProvisionFleetArn', 'ProvisionLocationArn');
  const terminating = machines('TerminateFleetArn');
  try {
    const asking = await use({ fromMs: beganMs, toMs: provisioned.askedMs });
    const climbing = withoutApi(await use({ fromMs: provisioned.askedMs, toMs: upMs }));
    const leaving = withoutApi(await use(terminations));
    const launchCalls = provisioned.books.totalCalls();
    const launch: PhaseCounts = countPhase(
      running(provisioned),
      together(asking, climbing),
      await readWorkflowUse(clients.sfn, provisioning, launches),
      launchCalls,
    );
    const terminate: PhaseCounts = countPhase(
      running(provisioned),
      leaving,
      await readWorkflowUse(clients.sfn, terminating, terminations),
      removed.books.totalCalls() - launchCalls,
    );
    return { launch, terminate };
  } finally {
    clients.close();
  }
}

const running = ({ fleets }: Provisioned): number =>
  fleets.reduce((sum, { counts }) => sum + (counts.Running ?? 0), 0);

const withoutApi = (functions: Map<string, FunctionUse>) =>
  new Map([...functions].filter(([name]) => !name.startsWith('api-')));

function together(a: Map<string, FunctionUse>, b: Map<string, FunctionUse>): Map<string, FunctionUse> {
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((name) => [
      name,
      addUse(a.get(name) ?? NO_USE, b.get(name) ?? NO_USE),
    ]),
  );
}

const program = new Command('npm run bench --')
  .description("Runs the demo's fleets on the local stack, and counts what they took.")
  .option('--scale <factor>', "each group's size times this, rounded up", factor, 1)
  .option('--seed <number>', 'of the simulated clouds, which are reset to it', wholeNumber, 1)
  .option('--json', 'one JSON document on stdout', false)
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage))
  .action(async (flags: Flags) => {
    process.exitCode = await bench(flags);
  })
  .addCommand(makespanCommand());

try {
  await program.parseAsync();
} catch (error) {
  const told = tell(error);
  process.stderr.write(told.text);
  process.exitCode = told.exitCode;
}
