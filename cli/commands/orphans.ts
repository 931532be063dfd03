import * as z from 'zod';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import {
  orphanKindSchema,
  orphanStateSchema,
  type Sweep,
  type SweepHold,
  sweepIdSchema,
} from '../../functions/model/orphan.ts';
import { WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { awaitSweep } from '../shell/await-sweep.ts';
import { command, noun } from '../shell/command.ts';
import { fields, table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

export const orphansNoun = noun(
  'orphans',
  'Orphans: cloud resources with this deployment’s tag or name that no record claims',
  [
    command({
      name: 'list',
      summary: 'List findings of sweeps. Closed findings stay listed for 30 days',
      flags: [
        ['--connection <name>', 'only on this connection'],
        ['--location <location>', 'only at this location'],
        ['--kind <kind>', orphanKindSchema.options.join(', ')],
        ['--state <state>', orphanStateSchema.options.join(', ')],
        ...LIST_FLAGS,
      ],
      examples: ['orphans list', 'orphans list --state Quarantined --json'],
      input: listInput.extend({
        connection: nameSchema.optional(),
        location: cloudWordSchema.optional(),
        kind: orphanKindSchema.optional(),
        state: orphanStateSchema.optional(),
      }),
      async run({ limit, cursor, ...filter }, context) {
        const api = await context.api();
        const params = { namespace: await context.namespace() };
        return await listed(
          context,
          { limit, cursor },
          (page) => api.listOrphans({ params, query: { ...page, ...filter } }),
          (items) =>
            table(
              [
                'kind',
                'backend id',
                'instance',
                'connection',
                'location',
                'reason',
                'state',
                'held',
                'first seen',
              ],
              items.map((one) => [
                one.kind,
                one.backendId,
                one.instanceId ?? one.name,
                one.connection,
                one.location,
                one.reason,
                one.state,
                one.heldBecause,
                one.firstSeenAt,
              ]),
            ),
        );
      },
    }),
    command({
      name: 'sweep',
      summary: 'Sweep for orphans now, without waiting for the schedule',
      flags: [
        ['--connection <name>', 'only this connection (default: each connection that is Ready)'],
        ['--dry-run', 'show what a sweep would do, and change nothing'],
        ...WAIT_FLAGS,
      ],
      examples: ['orphans sweep --dry-run --wait', 'orphans sweep --connection sim-aws --wait --json'],
      input: waitInput.extend({
        connection: nameSchema.optional(),
        dryRun: z.boolean().default(false),
      }),
      async run({ connection, dryRun, wait, timeout }, context) {
        const api = await context.api();
        const document = await api.sweepOrphans({
          params: { namespace: await context.namespace() },
          body: { connection, dryRun },
        });
        if (wait) return await awaitSweep(context, document, timeout, sweepText);
        context.say(`To see the findings, run: fleetwright orphans get ${document.id}`);
        return { document, text: sweepText(document) };
      },
    }),
    command({
      name: 'get',
      summary: 'Show the progress and the findings of a sweep of the last 24 hours',
      arguments: [['<sweep>', 'id of the sweep']],
      examples: ['orphans get s01k5r3x9aq2b7c4d'],
      input: z.object({ sweep: sweepIdSchema }),
      async run({ sweep }, context) {
        const params = { namespace: await context.namespace(), sweep };
        const document = await (await context.api()).getSweep({ params });
        return { document, text: sweepText(document) };
      },
    }),
    command({
      name: 'holds',
      summary: 'List holds. A hold stops sweeps from removing machines until an operator continues them',
      flags: [['--connection <name>', 'only on this connection'], ...LIST_FLAGS],
      examples: ['orphans holds', 'orphans holds --connection sim-aws --json'],
      input: listInput.extend({ connection: nameSchema.optional() }),
      async run({ limit, cursor, connection }, context) {
        const api = await context.api();
        const params = { namespace: await context.namespace() };
        return await listed(
          context,
          { limit, cursor },
          (page) => api.listSweepHolds({ params, query: { ...page, connection } }),
          holdsTable,
        );
      },
    }),
    command({
      name: 'continue',
      summary: 'Continue sweeps that wait for an operator. They may then remove what they have found so far',
      flags: [
        ['--connection <name>', 'only on this connection'],
        ['--location <location>', 'only at this location (default: each location of the connection)'],
      ],
      examples: [
        'orphans continue --connection sim-aws',
        'orphans continue --connection sim-aws --location us-east-1',
      ],
      input: z.object({ connection: nameSchema, location: cloudWordSchema.optional() }),
      async run({ connection, location }, context) {
        const document = await (await context.api()).continueSweeps({
          params: { namespace: await context.namespace() },
          body: { connection, location },
        });
        context.say(
          document.continued.length === 0
            ? 'None of these sweeps waits for an operator.'
            : `The next sweep may remove machines again. To sweep now, run: fleetwright orphans sweep --connection ${connection}`,
        );
        return { document, text: holdsTable(document.continued) };
      },
    }),
  ],
);

function holdsTable(holds: readonly SweepHold[]): string {
  return table(
    ['connection', 'location', 'because', 'since', 'waiting', 'message'],
    holds.map((one) => [
      one.connection,
      one.location ?? 'all',
      one.because,
      one.since,
      one.waiting,
      one.message,
    ]),
  );
}

function sweepText(sweep: Sweep): string {
  const { found, done, failed } = sweep.places;
  const head = fields([
    ['Sweep', sweep.id],
    ['Dry run', sweep.dryRun ? 'yes: nothing is changed' : undefined],
    ['Status', sweep.status],
    ['Connections', sweep.connections.join(', ')],
    ['Sites', `${found} found, ${done} swept, ${failed} failed`],
    ['Findings not listed', sweep.findingsLeftOut || undefined],
  ]);
  const findings = table(
    [
      'kind',
      'backend id',
      'instance',
      'connection',
      'location',
      'reason',
      sweep.dryRun ? 'would do' : 'does',
    ],
    sweep.findings.map((one) => [
      one.kind,
      one.backendId,
      one.instanceId ?? one.name,
      one.connection,
      one.location,
      one.reason,
      one.action,
    ]),
  );
  const failures = sweep.failures.map(({ connection, location, code, message }) => [
    connection,
    location,
    code,
    message,
  ]);
  const failureTable =
    failures.length === 0 ? '' : `\n${table(['connection', 'location', 'failure', 'message'], failures)}`;
  return `${head}\n${findings}${failureTable}`;
}
