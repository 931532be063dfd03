import * as z from 'zod';
import { networkCidrSchema } from '../../functions/model/address-range.ts';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import type { Network } from '../../functions/model/network.ts';
import { command, noun } from '../shell/command.ts';
import { stuckText } from '../shell/show-waiting.ts';
import { fields, table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const tableOf = (items: readonly Network[]): string =>
  table(
    ['name', 'mode', 'state', 'cloud', 'connection', 'location', 'cidr', 'users', 'unused since', 'stuck'],
    items.map((one) => [
      one.name,
      one.mode,
      one.state,
      one.cloud,
      one.connection,
      one.location,
      one.cidr,
      one.users,
      one.unusedSince,
      one.stuck && stuckText(one.stuck),
    ]),
  );

const rangeSchema = z.string().transform((text, context) => {
  const [, location = '', cidr = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const parsed = z
    .object({ location: cloudWordSchema, cidr: networkCidrSchema })
    .safeParse({ location, cidr });
  if (parsed.success) return parsed.data;
  context.addIssue({ code: 'custom', message: `must be LOCATION=CIDR, such as us-east-1=10.20.0.0/16` });
  return z.NEVER;
});

export const networkNoun = noun('network', 'Networks that fleets share, and networks of single fleets', [
  command({
    name: 'list',
    summary: 'List networks, with the number of fleets that use each',
    flags: [
      ['--connection <name>', 'only on this connection'],
      ['--location <location>', 'only at this location'],
      ['--unused', 'only shared networks that no fleet uses'],
      ...LIST_FLAGS,
    ],
    examples: ['network list', 'network list --unused --json'],
    input: listInput.extend({
      connection: nameSchema.optional(),
      location: cloudWordSchema.optional(),
      unused: z.boolean().optional(),
    }),
    async run({ limit, cursor, unused, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace() };
      const only = unused ? { unused: 'true' as const } : {};
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listNetworks({ params, query: { ...page, ...filter, ...only } }),
        tableOf,
      );
    },
  }),
  command({
    name: 'get',
    summary: 'Show a network, with its fleets and security groups',
    arguments: [['<network>', 'name of the network']],
    examples: ['network get sharedn1kdvdnc4jyfcbym5'],
    input: z.object({ network: z.string() }),
    async run({ network: name }, context) {
      const params = { namespace: await context.namespace(), network: name };
      const network = await (await context.api()).getNetwork({ params });
      const { fleets = [], securityGroups = [] } = network;
      const text = fields([
        ['name', network.name],
        ['mode', network.mode],
        ['state', network.state],
        ['connection', network.connection],
        ['location', network.location],
        ['cidr', network.cidr],
        ['backend id', network.backendId],
        ['users', network.users],
        ['unused since', network.unusedSince],
        ['stuck', network.stuck && stuckText(network.stuck)],
        ['fleets', fleets.map((one) => one.name).join(', ')],
        ['security groups', securityGroups.map(groupText).join(', ')],
      ]);
      return { document: network, text };
    },
  }),
  command({
    name: 'remove',
    summary: 'Remove the shared networks that no fleet uses, without waiting for their grace time',
    flags: [
      ['--unused', 'required: only unused networks can be removed'],
      ['--connection <name>', 'only on this connection'],
      ['--location <location>', 'only at this location'],
    ],
    examples: ['network remove --unused', 'network remove --unused --connection aws-main'],
    input: z.object({
      unused: z.literal(true, 'must be given: a network that a fleet uses is removed after the fleet'),
      connection: nameSchema.optional(),
      location: cloudWordSchema.optional(),
    }),
    async run({ unused: _, ...body }, context) {
      const params = { namespace: await context.namespace() };
      const document = await (await context.api()).removeNetworks({ params, body });
      const { removing } = document;
      return { document, text: removing.length > 0 ? tableOf(removing) : 'no shared network is unused' };
    },
  }),
  command({
    name: 'reserve',
    summary:
      'Reserve address ranges for the shared networks of a connection; replaces its earlier reservations',
    arguments: [['<connection>', 'name of the connection']],
    flags: [['--range <location=cidr>...', 'the range of the network that is made next at a location']],
    examples: ['network reserve aws-main --range us-east-1=10.20.0.0/16 --range eu-west-1=10.21.0.0/20'],
    input: z.object({ connection: nameSchema, range: z.array(rangeSchema).default([]) }),
    async run({ connection, range }, context) {
      const params = { namespace: await context.namespace(), connection };
      const ranges = Object.fromEntries(range.map(({ location, cidr }) => [location, cidr]));
      const document = await (await context.api()).setNetworkRanges({ params, body: { ranges } });
      const rows = Object.entries(document.ranges);
      return { document, text: rows.length > 0 ? table(['location', 'cidr'], rows) : 'no range is reserved' };
    },
  }),
]);

function groupText({ name, users, stuck }: NonNullable<Network['securityGroups']>[number]): string {
  return stuck === undefined ? `${name} (${users})` : `${name} (${users}, stuck: ${stuckText(stuck)})`;
}
