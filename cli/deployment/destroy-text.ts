import { fields, table } from '../shell/table.ts';
import type { StepReport } from './destroy-run.ts';
import type { Forgotten } from './forget.ts';

/** The document that `deployment destroy --json` prints. */
export interface DestroyDocument {
  deployment: string;
  region: string;
  dryRun: boolean;
  /** False if the removal stopped before its end. */
  ok: boolean;
  status: 'planned' | 'destroyed' | 'stopped' | 'reopened';
  steps: StepReport[];
  /** Names of tables that stay after the stack. */
  kept: string[];
  forgotten?: Forgotten;
}

const STATUS_TEXT: Readonly<Record<DestroyDocument['status'], string>> = {
  planned: 'dry run: nothing was changed',
  destroyed: 'removed',
  stopped: 'stopped; run the command again to go on',
  reopened:
    'the removal is cancelled; fleets and connections are accepted again. Fleets whose launching was paused go on with `fleetwright fleet retry`',
};

/** What stays in the account after any removal. */
const STAYS =
  'The bootstrap stack of CDK stays, with this deployment’s code in its bucket. Delete it only if no other CDK app uses it.';

export function destroyText({ deployment, region, status, steps, kept, forgotten }: DestroyDocument): string {
  const head = fields([
    ['Deployment', deployment],
    ['Region', region],
    ['Status', STATUS_TEXT[status]],
    ['Kept tables', kept.join(', ')],
    [
      'Kept tables cost',
      kept.length > 0 ? 'storage and backups; give --delete-data to delete them, too' : undefined,
    ],
    ['List of what stays', forgotten?.file],
    ['Also stays', status === 'destroyed' ? STAYS : undefined],
  ]);
  if (steps.length === 0) return head;
  const rows = table(
    ['step', 'status', 'found'],
    steps.map(({ step, status: state, found }) => [step, state, found]),
  );
  const blockers = steps.flatMap(({ step, blockers: all }) => all.map((one) => ({ step, ...one })));
  const blocked =
    blockers.length === 0
      ? ''
      : `\n${table(
          ['step', 'namespace', 'connection', 'location', 'fleet', 'because'],
          blockers.map((one) => [
            ...[one.step, one.namespace, one.connection, one.location, one.fleet, one.message],
          ]),
        )}`;
  const what = steps
    .filter(({ whatToDo }) => whatToDo !== '')
    .map(({ step, whatToDo }) => `\n${step}: ${whatToDo}\n`);
  return `${head}\n${rows}${blocked}${what.join('')}`;
}
