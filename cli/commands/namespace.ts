import * as z from 'zod';
import { type Namespace, namespaceRequestSchema } from '../../functions/model/access.ts';
import { nameSchema } from '../../functions/model/identifiers.ts';
import { command, noun } from '../shell/command.ts';
import { fields, table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const text = (one: Namespace): string =>
  fields([
    ['Namespace', one.name],
    ['Description', one.description],
    ['Created', one.createdAt],
  ]);
const named = z.object({ name: nameSchema });

export const namespaceNoun = noun('namespace', 'Namespaces, which contain connections and fleets', [
  command({
    name: 'create',
    summary: 'Create a namespace',
    arguments: [['<name>', 'a-z, 0-9 and -, 3 to 40 characters']],
    flags: [['--description <text>', 'description of the namespace']],
    examples: ['namespace create team-search --description "Search team"'],
    input: z.object({ ...namespaceRequestSchema.shape }),
    async run(body, context) {
      const document = await (await context.api()).createNamespace({ body });
      return { document, text: text(document) };
    },
  }),
  command({
    name: 'list',
    summary: 'List namespaces',
    flags: LIST_FLAGS,
    examples: ['namespace list', 'namespace list --json'],
    input: listInput,
    async run(input, context) {
      const api = await context.api();
      return await listed(
        context,
        input,
        (query) => api.listNamespaces({ query }),
        (items) =>
          table(
            ['name', 'description', 'created'],
            items.map((one) => [one.name, one.description, one.createdAt]),
          ),
      );
    },
  }),
  command({
    name: 'get',
    summary: 'Show a namespace',
    arguments: [['<name>', 'name of the namespace']],
    examples: ['namespace get team-search'],
    input: named,
    async run({ name }, context) {
      const document = await (await context.api()).getNamespace({ params: { namespace: name } });
      return { document, text: text(document) };
    },
  }),
  command({
    name: 'delete',
    summary: 'Delete a namespace that has no connections and no live fleets',
    arguments: [['<name>', 'name of the namespace']],
    examples: ['namespace delete team-search'],
    input: named,
    async run({ name }, context) {
      await (await context.api()).deleteNamespace({ params: { namespace: name } });
      return { document: { deleted: name }, text: `Namespace ${name} is deleted.\n` };
    },
  }),
]);
