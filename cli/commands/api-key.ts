import { z } from 'zod';
import { eachItem } from '../../client/index.ts';
import { type ApiKey, apiKeyRequestSchema } from '../../functions/model/access.ts';
import { command, noun } from '../shell/command.ts';
import { CliError, EXIT, usageError } from '../shell/exit.ts';
import { fields, table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const text = (one: ApiKey): string =>
  fields([
    ['API key', one.id],
    ['Name', one.name],
    ['Created', one.createdAt],
    ['Expires', one.expiresAt],
    ['Revoked', one.revokedAt],
  ]);
const identified = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/, 'must be an id as `api-key list` shows it'),
});

export const apiKeyNoun = noun('api-key', 'Keys to the API', [
  command({
    name: 'create',
    summary: 'Make an API key. It is shown once, and kept only as a hash',
    arguments: [['<name>', 'who or what it is for']],
    flags: [
      ['--expires-at <time>', 'ISO 8601 UTC; without it the key holds until it is revoked'],
      ['--direct', 'write it to the access table with your AWS rights: for the first key of a deployment'],
      ['--access-table <table>', 'with --direct: the table; an output of the deployed stack names it'],
    ],
    examples: [
      'api-key create ci --expires-at 2027-01-01T00:00:00Z',
      'api-key create admin --direct --access-table fleetwright-prod-access',
    ],
    input: z.object({
      ...apiKeyRequestSchema.shape,
      direct: z.boolean().default(false),
      accessTable: z.string().min(3).max(255).optional(),
    }),
    async run({ direct, accessTable, ...body }, context) {
      if (direct !== (accessTable !== undefined)) {
        throw usageError(
          '--direct and --access-table belong together',
          'Give both to write the key with AWS rights, or neither to ask the API.',
        );
      }
      const document =
        accessTable === undefined
          ? await (await context.api()).createApiKey({ body })
          : await context.world.issueKeyDirectly(accessTable, body);
      context.say('Keep the key now: it is not shown again.');
      return { document, text: `${text(document)}Key      ${document.key}\n` };
    },
  }),
  command({
    name: 'list',
    summary: 'List API keys, revoked ones included',
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
            ['id', 'name', 'created', 'expires', 'revoked'],
            items.map((one) => [one.id, one.name, one.createdAt, one.expiresAt, one.revokedAt]),
          ),
      );
    },
  }),
  command({
    name: 'get',
    summary: 'Show an API key; never the key itself',
    arguments: [['<id>', 'as `api-key list` shows it']],
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
        `there is no API key ${id}`,
        'See `fleetwright api-key list`.',
      );
    },
  }),
  command({
    name: 'delete',
    summary: 'Revoke an API key; it is refused from the next request on',
    arguments: [['<id>', 'as `api-key list` shows it']],
    examples: ['api-key delete 0123456789ab'],
    input: identified,
    async run({ id }, context) {
      await (await context.api()).revokeApiKey({ params: { id } });
      return { document: { revoked: id }, text: `API key ${id} is revoked.\n` };
    },
  }),
]);
