import { Command, Option } from 'commander';
import { EXIT } from '../cli/exit.ts';
import { tell } from '../cli/failure.ts';
import { FAILURE_POLICIES, type FailurePolicy } from '../functions/model/fleet-request.ts';
import { addFaults, FAULT_LEVELS, type FaultLevel, removeFaults } from './faults.ts';
import { factor, wholeNumber } from './flags.ts';
import { readFleetFiles, scaleFleet, sizeOf } from './fleet-files.ts';
import { prepareClouds, provision, remove } from './provision.ts';
import { reportOf } from './report.ts';
import { openStack } from './stack.ts';
import { summarize, summaryText } from './summary.ts';

interface Flags {
  keep: boolean;
  scale: number;
  seed?: number;
  simConfig?: string;
  faults: FaultLevel;
  policy?: FailurePolicy;
  json: boolean;
}

/** Runs the demo. @returns the exit code */
async function demo({ keep, scale, seed, simConfig, faults, policy, json }: Flags): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const print = json ? say : (text: string) => process.stdout.write(`${text}\n`);
  const requests = readFleetFiles()
    .map((fleet) => scaleFleet(fleet, scale))
    .map((fleet) => ({ ...fleet, failurePolicy: policy ?? fleet.failurePolicy }));
  const stack = await openStack({ seed, simConfig, say });
  await prepareClouds(stack, requests, seed);

  const faultIds = await addFaults(stack.simUrl, faults);
  if (faultIds.length > 0) say(`The clouds fail in ${faultIds.length} ways from now on (${faults})`);
  const interrupt = interruptible(say);
  const around = { out: process.stderr, signal: interrupt.signal };
  say(
    `Asking for ${requests.length} fleets: ${requests.map((one) => `${one.name} (${sizeOf(one)})`).join(', ')}`,
  );
  const provisioned = await provision(stack, requests, around);
  for (const refusal of provisioned.refusals) say(tell(refusal).text);
  print(`\n${summaryText(summarize(provisioned.fleets, provisioned.books))}`);

  let removed: Awaited<ReturnType<typeof remove>> | undefined;
  if (keep && !interrupt.signal.aborted) {
    await removeFaults(stack.simUrl, faultIds);
    print(LOOK_AROUND);
  } else {
    say('Deleting everything');
    removed = await remove(stack, provisioned, { out: process.stderr, signal: interrupt.second });
    await removeFaults(stack.simUrl, faultIds);
    print(`Left at the clouds: ${removed.remaining} instances and network resources`);
    print('The local stack goes on running; `npx fleetwright local down` stops it.');
  }
  const report = reportOf(requests, provisioned, removed, policy !== undefined || faults !== 'none');
  const { line } = report;
  print(
    `${line.running} of ${line.requested} running after ${line.makespanSeconds} s (ideal: ${line.idealSeconds} s), ` +
      `${line.leaked} leaked, ${line.duplicated} duplicated, ${line.throttled} throttled, ${line.calls} cloud calls`,
  );
  for (const { fleet, status, running, peakRunning } of line.fleetOutcomes ?? []) {
    print(`${fleet}: ${status}, ${running} running (at most ${peakRunning})`);
  }
  if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
  if (interrupt.signal.aborted) return EXIT.interrupted;
  return report.asAsked ? EXIT.done : EXIT.otherwise;
}

const LOOK_AROUND = `Look around:
  npx fleetwright fleet list
  npx fleetwright fleet get web-global
  npx fleetwright fleet instances web-global --status Running
  npx fleetwright local status
Delete a fleet:  npx fleetwright fleet delete web-global --wait
Stop it all:     npx fleetwright local down
`;

/** The first Ctrl-C ends the wait and deletes what was started, the second leaves it as it is, the third just ends. */
function interruptible(say: (line: string) => void): { signal: AbortSignal; second: AbortSignal } {
  const [first, second] = [new AbortController(), new AbortController()];
  process.on('SIGINT', () => {
    if (!first.signal.aborted) {
      say('\nStopping: what was started is deleted. Ctrl-C again to leave it.');
      first.abort();
    } else if (!second.signal.aborted) {
      say('\nLeft as it is; see `npx fleetwright fleet list`.');
      second.abort();
    } else process.exit(EXIT.interrupted);
  });
  return { signal: first.signal, second: second.signal };
}

const program = new Command('npm run demo --')
  .description('Provisions the four fleets of demo/fleets over eight simulated clouds, then deletes them.')
  .option('--keep', 'leave the fleets up and tell how to look around', false)
  .option('--scale <factor>', "each group's size times this, rounded up", factor, 1)
  .option('--seed <number>', 'of the simulated clouds, which are reset to it; repeats a run', wholeNumber)
  .option('--sim-config <file>', 'YAML for the simulated clouds, when they are started')
  .addOption(
    new Option('--faults <level>', 'how much the simulated clouds fail')
      .choices(FAULT_LEVELS)
      .default('none'),
  )
  .addOption(
    new Option('--policy <policy>', 'failure policy of all fleets, in place of their own').choices(
      FAILURE_POLICIES,
    ),
  )
  .option('--json', 'last on stdout, one JSON line', false)
  .addHelpText(
    'after',
    '\nExit codes: 0 all as asked, under --faults and --policy as the policy says; 1 something asked is not running, leaked, doubled or left; 2 wrong use; 3 cannot start',
  )
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));

try {
  program.parse();
  process.exitCode = await demo(program.opts<Flags>());
} catch (error) {
  const told = tell(error);
  process.stderr.write(told.text);
  process.exitCode = told.exitCode;
}
