import * as z from 'zod';
import type { Client } from '../../client/index.ts';
import { type AuditEntry, auditResultSchema } from '../../functions/model/audit-entry.ts';
import { MAX_PAGE } from '../../functions/model/paging.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import type { Context } from '../shell/context.ts';
import { durationSchema } from '../shell/duration.ts';
import { table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const FILTER_FLAGS: readonly Flag[] = [
  ['--action <type>', 'only entries of this type, such as fleet.create; fleet.* for all that begin so'],
  ['--actor <actor>', 'only what this actor did: a kind (sweep), an id of a key, or both (key/0123456789ab)'],
  [
    '--target <target>',
    'only what was done to this: a kind (fleet), a name or id, or both (fleet/web-global)',
  ],
  ['--result <result>', auditResultSchema.options.join(', ')],
  ['--since <time>', 'only entries from this time on: ISO 8601, or a time ago such as 90m, 24h or 7d'],
  ['--until <time>', 'only entries before this time, written as that of --since'],
  ['--all', 'of all namespaces, also deleted ones, and of none; needs the role platform-admin'],
];

const isoSchema = z.iso.datetime({ offset: true });

/** A time that a user types: ISO 8601, or a duration before now, which becomes a number of seconds. */
const timeSchema = z
  .string()
  .refine((text) => isoSchema.safeParse(text).success || durationSchema.safeParse(text).success, {
    error: 'must be a time such as 2026-01-31T12:00:00Z, or a time ago such as 90m, 24h or 7d',
  })
  .transform((text): string | number => durationSchema.safeParse(text).data ?? text);

const filterInput = z.object({
  action: z.string().optional(),
  actor: z.string().optional(),
  target: z.string().optional(),
  result: auditResultSchema.optional(),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  all: z.boolean().default(false),
});
type Filter = z.infer<typeof filterInput>;

export const auditNoun = noun(
  'audit',
  'The audit log: who did what to what, when, from where, with which result',
  [
    command({
      name: 'list',
      summary: 'List entries of the audit log, newest first. Entries are kept for 400 days',
      flags: [...FILTER_FLAGS, ...LIST_FLAGS],
      examples: [
        'audit list --since 24h',
        'audit list --target fleet/web-global',
        'audit list --actor sweep --action orphan.terminating --json',
        'audit list --all --result refused --since 7d',
      ],
      input: listInput.extend(filterInput.shape),
      async run({ limit, cursor, ...filter }, context) {
        const read = await reader(context, filter);
        return await listed(context, { limit, cursor }, read, entriesTable);
      },
    }),
    command({
      name: 'export',
      summary:
        'Print all entries as JSON lines, newest first, one entry a line. Entries that are written meanwhile are left out',
      flags: FILTER_FLAGS,
      examples: [
        'audit export --all > audit.jsonl',
        'audit export --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z > january.jsonl',
      ],
      input: filterInput,
      async run(filter, context) {
        const until = filter.until ?? new Date(context.world.now()).toISOString();
        const read = await reader(context, { ...filter, until });
        const items: AuditEntry[] = [];
        let cursor: string | null = null;
        let count = 0;
        do {
          const page: Page = await read({ limit: MAX_PAGE, ...(cursor === null ? {} : { cursor }) });
          count += page.items.length;
          if (context.json) items.push(...page.items);
          else for (const entry of page.items) context.world.stdout.write(`${JSON.stringify(entry)}\n`);
          cursor = page.cursor;
        } while (cursor !== null);
        context.say(`${count} entries were exported.`);
        return { document: { items }, text: '' };
      },
    }),
  ],
);

type Page = Awaited<ReturnType<Client['listAudit']>>;

/** Returns a function that reads a page of the entries that a filter selects. */
async function reader(
  context: Context,
  { action: type, since, until, all, ...filter }: Filter,
): Promise<(page: { limit: number; cursor?: string }) => Promise<Page>> {
  const api = await context.api();
  const nowMs = context.world.now();
  const given = { type, ...filter, since: timeOf(nowMs, since), until: timeOf(nowMs, until) };
  if (all) return (page) => api.listAudit({ query: { ...page, ...given } });
  const params = { namespace: await context.namespace() };
  return (page) => api.listNamespaceAudit({ params, query: { ...page, ...given } });
}

function timeOf(nowMs: number, time: string | number | undefined): string | undefined {
  return typeof time === 'number' ? new Date(nowMs - time * 1_000).toISOString() : time;
}

function entriesTable(items: readonly AuditEntry[]): string {
  return table(
    ['time', 'namespace', 'actor', 'action', 'target', 'result', 'from', 'request'],
    items.map(({ at, namespace, actor, type, target, result, code, source, requestId }) => [
      at,
      namespace,
      `${actor.kind}/${actor.name}`,
      type,
      [target.kind, target.name ?? target.id].filter((one) => one !== undefined).join('/'),
      code === undefined ? result : `${result}: ${code}`,
      source?.ip,
      requestId,
    ]),
  );
}
