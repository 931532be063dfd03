import { Command, CommanderError, Option } from 'commander';
import { HARNESSES, isHarnessed } from './harnesses/index.ts';
import { type Report, runSuite } from './run-suite.ts';
import { HarnessUnavailable } from './suite/harness.ts';

interface Flags {
  driver: string;
  only?: string[];
  json: boolean;
}

const program = new Command('test:contract')
  .description(
    'Runs the assertions of the driver contract against a server that simulates the cloud, behind a proxy that injects faults. Progress goes to standard error.',
  )
  .addOption(
    new Option('--driver <name>', 'the driver to test').choices(Object.keys(HARNESSES)).makeOptionMandatory(),
  )
  .option('--only <id...>', 'run only the assertions whose id begins with one of these prefixes')
  .option('--json', 'print the report as one line of JSON', false)
  .addHelpText(
    'after',
    '\nExit codes: 0 all assertions passed; 1 an assertion failed; 2 invalid use; 3 no server to test against.',
  )
  .exitOverride();

async function run({ driver, only, json }: Flags): Promise<number> {
  if (!isHarnessed(driver)) throw new RangeError(`there is no harness for driver ${driver}`);
  const harness = await HARNESSES[driver]();
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const report = await runSuite({ harness, progress, ...(only === undefined ? {} : { only }) });
  process.stdout.write(`${json ? JSON.stringify(report) : textOf(report)}\n`);
  return report.failed === 0 ? 0 : 1;
}

function textOf(report: Report): string {
  const { driver, server, serverVersion, total, passed, failed, skipped, failures, seconds } = report;
  return [
    `${driver} on ${server} ${serverVersion}: ${passed} of ${total} passed, ${failed} failed, ${skipped.length} skipped, ${seconds} s`,
    ...failures.map(({ assertion, message }) => `  ${assertion}: ${message}`),
  ].join('\n');
}

// A harness stops its server at the event `exit` of this process. A signal does not cause this event; a call
// of `process.exit` does.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await run(program.parse().opts<Flags>());
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`${error instanceof HarnessUnavailable ? error.message : String(error)}\n`);
    process.exitCode = error instanceof HarnessUnavailable ? 3 : 1;
  }
}
