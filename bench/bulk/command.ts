import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { wholeNumber } from '../../demo/run/flags.ts';
import { unlimitedServicesOption } from '../virtual/flags.ts';
import { measureBulk } from './bulk.ts';
import { BULK_CASES, BULK_PLANS } from './cases.ts';
import type { BulkRow } from './document.ts';

interface Flags {
  case?: string[];
  seed: number;
  unlimitedServices: boolean;
  json: boolean;
}

/** Makes the command `bench -- bulk`, which measures how fast many alike machines go out. */
export function bulkCommand(): Command {
  return new Command('bulk')
    .description(
      'Launches many machines over a simulated cloud that meters calls and machines as EC2 does by default: up to 100 ' +
        'machines in one call, no slots, boots of 20 to 40 seconds, networks that exist. Runs the shipped code in ' +
        'virtual time, and compares it with a schedule that knows the meters and has no overhead. The first case also ' +
        'has the figures of the tier cautious with a call for each machine.',
    )
    .option('--case <name...>', `run only these cases: ${BULK_CASES.join(', ')}`, caseNames)
    .option('--seed <number>', 'seed of the simulated clouds', wholeNumber, 1)
    .addOption(unlimitedServicesOption())
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ case: names = [...BULK_CASES], seed, unlimitedServices, json }: Flags) => {
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const rows: BulkRow[] = [];
      for (const plan of BULK_PLANS) {
        const isAsked = [plan.case, plan.removal].some((one) => one !== undefined && names.includes(one));
        if (!isAsked) continue;
        for (const row of await measureBulk(plan, { seed, unlimitedServices, say })) {
          say(`${row.case}: ${row.makespanSeconds} s, ideal ${row.idealSeconds} s`);
          rows.push(row);
        }
      }
      const cases = BULK_CASES.flatMap((name) =>
        names.includes(name) ? rows.filter((row) => row.case === name) : [],
      );
      process.stdout.write(`${tableOf(cases)}${json ? `${JSON.stringify({ cases })}\n` : ''}`);
      process.exitCode = EXIT.done;
    });
}

function caseNames(name: string, earlier: string[] = []): string[] {
  if (!BULK_CASES.includes(name)) throw new InvalidArgumentError(`must be one of ${BULK_CASES.join(', ')}`);
  return [...earlier, name];
}

const HEADS = [
  'case',
  'accepted',
  'ideal',
  'makespan',
  'ideal',
  'ratio',
  'creates',
  'ideal',
  'throttled',
  'calls',
];

const tableOf = (rows: readonly BulkRow[]): string =>
  table(
    HEADS,
    rows.map((row) => [
      row.case,
      row.acceptedSeconds,
      row.idealAcceptedSeconds,
      row.makespanSeconds,
      row.idealSeconds,
      row.ratio,
      row.createCalls,
      row.idealCreateCalls,
      row.throttled,
      row.calls,
    ]),
  );
