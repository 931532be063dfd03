import * as z from 'zod';
import { roleSchema } from '../../functions/model/access.ts';
import type { Binding, BindingRequest } from '../../functions/model/binding.ts';
import { command, noun } from '../shell/command.ts';
import { usageError } from '../shell/exit.ts';
import { givenNamespaces, namespacesText } from '../shell/granted-namespaces.ts';
import { fields, table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const text = (one: Binding): string =>
  fields([
    ['Binding', one.id],
    ['Kind', one.kind],
    ['Name', one.name],
    ['Issuer', one.issuer],
    ['Role', one.role],
    ['Namespaces', namespacesText(one)],
    ['Created', one.createdAt],
    ['Created by', `${one.createdBy.kind} ${one.createdBy.name}`],
  ]);

const subjectShape = {
  user: z.string().min(1).optional(),
  group: z.string().min(1).optional(),
  aws: z.string().min(1).optional(),
};

/** Returns whom the flags name. @throws CliError if they name none, or several */
function subjectOf(
  flags: { [Kind in keyof typeof subjectShape]?: string | undefined },
): Pick<BindingRequest, 'kind' | 'name'> {
  const given = (['user', 'group', 'aws'] as const).flatMap((kind) => {
    const name = flags[kind];
    return name === undefined ? [] : [{ kind, name }];
  });
  const [subject] = given;
  if (subject && given.length === 1) return subject;
  throw usageError(
    'a binding is about one user, group or AWS principal',
    'Give one of --user SUBJECT, --group NAME and --aws ARN.',
  );
}

const identified = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{24}-[0-9a-f]{8}$/, 'must be the id of a binding; see `fleetwright binding list`'),
});

export const bindingNoun = noun('binding', 'Roles of users, groups and AWS principals', [
  command({
    name: 'create',
    summary:
      "Give a role to a user, a group or an AWS principal, in the namespaces of --namespace, which may be repeated ('*': all; default: yours)",
    flags: [
      ['--user <subject>', 'a user, as the tokens of the deployment’s issuer name it'],
      ['--group <name>', 'a group, as the tokens of the deployment’s issuer name it'],
      ['--aws <arn>', 'ARN of a user or role of AWS IAM, for a deployment with `-c iam=true`'],
      ['--role <role>', `${roleSchema.options.join(', ')}; at most yours`],
    ],
    examples: [
      'binding create --group ops --role operator --namespace web',
      "binding create --user 00u1abcd --role admin --namespace '*'",
      'binding create --aws arn:aws:iam::123456789012:role/deployer --role operator --namespace web',
    ],
    input: z.object({ ...subjectShape, role: roleSchema }),
    async run({ role, ...flags }, context) {
      const body = { ...subjectOf(flags), role, ...givenNamespaces(context) };
      const document = await (await context.api()).createBinding({ body });
      return { document, text: text(document) };
    },
  }),
  command({
    name: 'list',
    summary: 'List the bindings that do not exceed your rights',
    flags: LIST_FLAGS,
    examples: ['binding list'],
    input: listInput,
    async run(input, context) {
      const api = await context.api();
      return await listed(
        context,
        input,
        (query) => api.listBindings({ query }),
        (items) =>
          table(
            ['id', 'kind', 'name', 'role', 'namespaces', 'created'],
            items.map((one) => [one.id, one.kind, one.name, one.role, namespacesText(one), one.createdAt]),
          ),
      );
    },
  }),
  command({
    name: 'get',
    summary: 'Show a binding',
    arguments: [['<id>', 'id of the binding; see `fleetwright binding list`']],
    examples: ['binding get 0123456789abcdef01234567-01234567'],
    input: identified,
    async run({ id }, context) {
      const document = await (await context.api()).getBinding({ params: { id } });
      return { document, text: text(document) };
    },
  }),
  command({
    name: 'delete',
    summary:
      'Delete a binding. From the next request on, neither the user nor the keys of the user have its rights',
    arguments: [['<id>', 'id of the binding; see `fleetwright binding list`']],
    examples: ['binding delete 0123456789abcdef01234567-01234567'],
    input: identified,
    async run({ id }, context) {
      await (await context.api()).deleteBinding({ params: { id } });
      return { document: { deleted: id }, text: `Binding ${id} is deleted.\n` };
    },
  }),
]);
