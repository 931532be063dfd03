import * as z from 'zod';
import { eachItem } from '../../client/index.ts';
import { type ApiKey, apiKeyRequestSchema, ROLES } from '../../functions/model/access.ts';
import { command, noun } from '../shell/command.ts';
import { CliError, EXIT, usageError } from '../shell/exit.ts';
import { givenNamespaces, namespacesText } from '../shell/granted-namespaces.ts';
import { fields, table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const text = (one: ApiKey): string =>
  fields([
    ['API key', one.id],
    ['Name', one.name],
    ['Role', one.role],
    ['Namespaces', namespacesText(one)],
    ['Made by', one.parentId],
    ['Max USD per hour', one.caps?.maxTotalUsdPerHour],
    ['Max removals a day', one.caps?.maxRemovalsPerDay],
    ['Created', one.createdAt],
    ['Expires', one.expiresAt],
    ['Revoked', one.revokedAt],
    ['Ended by', one.endedBy],
  ]);
const identified = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/, 'must be the id of an API key; see `fleetwright api-key list`'),
});

export const apiKeyNoun = noun(
  'api-key',
  'API keys',
  [
    command({
      name: 'create',
      summary:
        "Create an API key for the namespaces of --namespace, which may be repeated ('*': all; default: those of your key). The key is shown once; only its hash is stored",
      arguments: [['<name>', 'name that says who or what uses the key']],
      flags: [
        [
          '--max-usd-per-hour <usd>',
          'cap of what all fleets made by the key may cost together (default: none)',
        ],
        [
          '--max-removals-per-day <count>',
          'cap of the machines and disks whose removal the key may request in a day (default: none)',
        ],
        [
          '--role <role>',
          `${ROLES.join(', ')}; at most that of your key (default: that of your key; with --namespace: at most admin)`,
        ],
        [
          '--expires-at <time>',
          'ISO 8601 time in UTC at which the key expires (default: when your key expires, or never)',
        ],
        [
          '--direct',
          'write the key directly to the access table with your AWS credentials; needed for the first key of a deployment',
        ],
        [
          '--access-table <table>',
          'with --direct: name of the access table (output AccessTable of the stack)',
        ],
      ],
      examples: [
        'api-key create robot --role operator --max-usd-per-hour 20 --max-removals-per-day 50',
        'api-key create ci --role operator --namespace team-a --namespace team-b --expires-at 2027-01-01T00:00:00Z',
        'api-key create admin --direct --access-table fleetwright-prod-access',
      ],
      input: z.object({
        ...apiKeyRequestSchema.omit({ namespaces: true, caps: true }).shape,
        maxUsdPerHour: z.coerce.number().nonnegative().optional(),
        maxRemovalsPerDay: z.coerce.number().int().nonnegative().optional(),
        direct: z.boolean().default(false),
        accessTable: z.string().min(3).max(255).optional(),
      }),
      async run({ direct, accessTable, maxUsdPerHour, maxRemovalsPerDay, ...request }, context) {
        if (direct !== (accessTable !== undefined)) {
          throw usageError(
            '--direct and --access-table must be given together',
            'Give both to write the key with your AWS credentials, or neither to create it through the API.',
          );
        }
        const caps = {
          ...(maxUsdPerHour === undefined ? {} : { maxTotalUsdPerHour: maxUsdPerHour }),
          ...(maxRemovalsPerDay === undefined ? {} : { maxRemovalsPerDay }),
        };
        const capped = Object.keys(caps).length > 0 ? { caps } : {};
        const body = { ...request, ...givenNamespaces(context), ...capped };
        const document =
          accessTable === undefined
            ? await (await context.api()).createApiKey({ body })
            : await context.world.issueKeyDirectly(accessTable, body);
        context.say('Store the key now: it is not shown again.');
        return { document, text: `${text(document)}Key      ${document.key}\n` };
      },
    }),
    command({
      name: 'list',
      summary: 'List the API keys that do not exceed yours, including revoked ones',
      flags: LIST_FLAGS,
      examples: ['api-key list'],
      input: listInput,
      async run(input, context) {
        const api = await context.api();
        return await listed(
          context,
          input,
          (query) => api.listApiKeys({ query }),
          (items) =>
            table(
              ['id', 'name', 'role', 'namespaces', 'made by', 'created', 'expires', 'revoked', 'ended by'],
              items.map((one) => [
                one.id,
                one.name,
                one.role,
                namespacesText(one),
                one.parentId,
                one.createdAt,
                one.expiresAt,
                one.revokedAt,
                one.endedBy,
              ]),
            ),
        );
      },
    }),
    command({
      name: 'get',
      summary: 'Show an API key, without the key itself',
      arguments: [['<id>', 'id of the API key; see `fleetwright api-key list`']],
      examples: ['api-key get 0123456789ab'],
      input: identified,
      async run({ id }, context) {
        const api = await context.api();
        for await (const one of eachItem(api.listApiKeys, {})) {
          if (one.id === id) return { document: one, text: text(one) };
        }
        throw new CliError(
          EXIT.usage,
          'not-found',
          `the deployment has no API key ${id}`,
          'List the API keys with `fleetwright api-key list`.',
        );
      },
    }),
    command({
      name: 'delete',
      alias: 'revoke',
      summary:
        'Revoke an API key, and all keys that it has made. The API refuses them from the next request on',
      arguments: [['<id>', 'id of the API key; see `fleetwright api-key list`']],
      examples: ['api-key delete 0123456789ab'],
      input: identified,
      async run({ id }, context) {
        await (await context.api()).revokeApiKey({ params: { id } });
        return {
          document: { revoked: id },
          text: `API key ${id} is revoked, with the keys that it has made.\n`,
        };
      },
    }),
  ],
  'key',
);
