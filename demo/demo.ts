import { Command, Option } from 'commander';
import { EXIT } from '../cli/shell/exit.ts';
import { tell } from '../cli/shell/failure.ts';
import { FAILURE_POLICIES, type FailurePolicy } from '../functions/model/fleet-request.ts';
import { makeFleet } from './outside/make-fleet.ts';
import { type DemoClouds, readClouds } from './outside/read-clouds.ts';
import { variablesText } from './outside/read-credential.ts';
import { withOutside } from './outside/report.ts';
import { connectAll, countAllLeft, knock, measureAll } from './outside/visit.ts';
import { addFaults, FAULT_LEVELS, type FaultLevel, removeFaults } from './run/faults.ts';
import { factor, wholeNumber } from './run/flags.ts';
import { readFleetFiles, scaleFleet, sizeOf } from './run/fleet-files.ts';
import { prepareClouds, provision, remove } from './run/provision.ts';
import { reportOf } from './run/report.ts';
import { openStack } from './run/stack.ts';
import { summarize, summaryText } from './run/summary.ts';

/** Modes that need no network of the user. */
const NETWORK_MODES = ['shared', 'dedicated'] as const;

interface Flags {
  keep: boolean;
  scale: number;
  seed?: number;
  simConfig?: string;
  faults: FaultLevel;
  policy?: FailurePolicy;
  network?: (typeof NETWORK_MODES)[number];
  clouds?: DemoClouds;
  json: boolean;
}

/** Runs the demo. @returns the exit code */
async function demo(flags: Flags): Promise<number> {
  const { keep, scale, seed, simConfig, faults, policy, network, clouds, json } = flags;
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const print = json ? say : (text: string) => process.stdout.write(`${text}\n`);
  const credentialed = await knock(clouds?.outside ?? [], process.env);
  const stack = await openStack({ seed, simConfig, say });
  const outside = await connectAll(stack, credentialed, say);
  const files = readFleetFiles();
  const fleets = clouds
    ? [
        makeFleet(
          clouds.simulated ? files : [],
          outside.map(({ group }) => group),
        ),
      ]
    : files;
  const requests = fleets
    .map((fleet) => scaleFleet(fleet, scale))
    .map((fleet) => ({ ...fleet, failurePolicy: policy ?? fleet.failurePolicy }))
    .map((fleet) => (network === undefined ? fleet : { ...fleet, network: { mode: network } }));
  await prepareClouds(stack, requests, seed);

  const faultIds = await addFaults(stack, faults);
  if (faultIds.length > 0)
    say(`Injected ${faultIds.length} faults into the simulated clouds (level ${faults})`);
  const interrupt = interruptible(say);
  const around = { out: process.stderr, signal: interrupt.signal };
  say(
    `Creating ${requests.length} fleets: ${requests.map((one) => `${one.name} (${sizeOf(one)})`).join(', ')}`,
  );
  const provisioned = await provision(stack, requests, around);
  for (const refusal of provisioned.refusals) say(tell(refusal).text);
  let rows = await measureAll(stack, outside, provisioned.fleets);
  const simulated = summarize(
    provisioned.fleets,
    provisioned.books,
    rows.map(({ connection }) => connection),
  );
  print(`\n${summaryText([...simulated, ...rows.map((row) => ({ ...row, cloud: row.connection }))])}`);

  let removed: Awaited<ReturnType<typeof remove>> | undefined;
  if (keep && !interrupt.signal.aborted) {
    await removeFaults(stack, faultIds);
    print(lookAround(requests[0]?.name ?? ''));
  } else {
    say('Deleting everything');
    removed = await remove(stack, provisioned, { out: process.stderr, signal: interrupt.second });
    await removeFaults(stack, faultIds);
    rows = await countAllLeft(stack, rows, provisioned.fleets);
    const left = `instances and network resources`;
    print(`Left at the ${outside.length > 0 ? 'simulated ' : ''}clouds: ${removed.remaining} ${left}`);
    for (const { connection, remainingAfterDelete } of rows) {
      print(
        `Left at ${connection}, by the cloud's lists and Fleetwright's records: ${remainingAfterDelete} ${left}`,
      );
    }
    print('The local stack keeps running. To stop it, run: npx fleetwright local down');
  }
  const simReport = reportOf(requests, provisioned, removed, policy !== undefined || faults !== 'none');
  const report = clouds ? withOutside(simReport, rows) : simReport;
  const { line } = report;
  print(
    `${line.running} of ${line.requested} running after ${line.makespanSeconds} s (ideal: ${line.idealSeconds} s), ` +
      `${line.leaked} leaked, ${line.duplicated} duplicated, ${line.throttled} throttled, ${line.calls} cloud calls`,
  );
  for (const { fleet, status, running, peakRunning } of line.fleetOutcomes ?? []) {
    print(`${fleet}: ${status}, ${running} running (peak: ${peakRunning})`);
  }
  if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
  if (interrupt.signal.aborted) return EXIT.interrupted;
  return report.asAsked ? EXIT.done : EXIT.otherwise;
}

const lookAround = (fleet: string) => `To inspect the fleets:
  npx fleetwright fleet list
  npx fleetwright fleet get ${fleet}
  npx fleetwright fleet instances ${fleet} --status Running
  npx fleetwright local status
Delete a fleet:  npx fleetwright fleet delete ${fleet} --wait
Stop the stack:  npx fleetwright local down
`;

/**
 * Handles Ctrl-C. The first Ctrl-C ends the wait for the launches, and the demo deletes the fleets. The second Ctrl-C
 * ends the wait for the deletion. The third Ctrl-C ends the process.
 */
function interruptible(say: (line: string) => void): { signal: AbortSignal; second: AbortSignal } {
  const [first, second] = [new AbortController(), new AbortController()];
  process.on('SIGINT', () => {
    if (!first.signal.aborted) {
      say('\nInterrupted: the fleets are being deleted. Press Ctrl-C again to end without waiting for that.');
      first.abort();
    } else if (!second.signal.aborted) {
      say('\nStopped waiting; the deletion continues. To see the fleets, run: npx fleetwright fleet list');
      second.abort();
    } else process.exit(EXIT.interrupted);
  });
  return { signal: first.signal, second: second.signal };
}

const program = new Command('npm run demo --')
  .description('Provisions the four fleets of demo/fleets over eight simulated clouds, then deletes them.')
  .option('--keep', 'keep the fleets and print commands to inspect them', false)
  .option('--scale <factor>', "multiply each node group's size by this, rounded up", factor, 1)
  .option(
    '--seed <number>',
    'seed of the simulated clouds, which are reset with it; the same seed repeats a run',
    wholeNumber,
  )
  .option('--sim-config <file>', 'YAML file that configures the simulated clouds when they start')
  .addOption(
    new Option('--faults <level>', 'how many faults are injected into the simulated clouds')
      .choices(FAULT_LEVELS)
      .default('none'),
  )
  .addOption(
    new Option(
      '--policy <policy>',
      'failure policy of all fleets, in place of the policies in their files',
    ).choices(FAILURE_POLICIES),
  )
  .option(
    '--clouds <list>',
    'create one fleet over these clouds in place of the four fleets: sim for the simulated clouds, <driver>=<URL> for another cloud',
    readClouds,
  )
  .addOption(
    new Option('--network <mode>', 'network mode of the fleets (default: that of the deployment)').choices(
      NETWORK_MODES,
    ),
  )
  .option('--json', 'print one JSON line at the end of stdout', false)
  .addHelpText(
    'after',
    `\nWith --clouds, credentials are read from the environment variables of each cloud's own tools:
  aws        ${variablesText('aws')}; not needed for a server on this machine, for example moto
  openstack  ${variablesText('openstack')}
  cb-spider  ${variablesText('cb-spider')}; the demo uses its mock cloud
Exit codes: 0 all instances ran (with --faults or --policy: each fleet ended as its policy allows); 1 instances did not run, leaked, ran twice or are left; 2 wrong use; 3 the demo cannot start`,
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
