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
    'Runs the driver contract, assertion by assertion, against a server that plays the cloud, through a proxy that makes it misbehave. Progress goes to standard error.',
  )
  .addOption(
    new Option('--driver <name>', 'whose contract').choices(Object.keys(HARNESSES)).makeOptionMandatory(),
  )
  .option('--only <id...>', 'only the assertions whose ids begin so')
  .option('--json', 'the report as one line of JSON', false)
  .addHelpText(
    'after',
    '\nExit codes: 0 the contract is kept; 1 it is not; 2 wrong use; 3 there is no server to test against.',
  )
  .exitOverride();

async function run({ driver, only, json }: Flags): Promise<number> {
  if (!isHarnessed(driver)) throw new RangeError(`no harness for ${driver}`);
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

// Servers that a harness started end with this process.
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
