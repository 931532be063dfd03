import * as z from 'zod';
import { instanceIdSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { WAIT_FLAGS, waitInput } from '../shell/await-connection.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import { follow } from '../shell/follow.ts';
import { instancesText, instanceText } from '../shell/show.ts';
import { instanceCreate } from './instance-create.ts';
import { sayKeptDisks } from './kept-disks.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const INSTANCE: readonly Flag[] = [['<id>', 'id of the instance']];
const identified = z.object({ id: instanceIdSchema });

export const instanceNoun = noun('instance', 'Single instances', [
  instanceCreate,
  command({
    name: 'list',
    summary: 'List the instances of a fleet. A single instance is a fleet of one instance',
    flags: [['--fleet <fleet>', 'id of the fleet, or name of a live fleet'], ...LIST_FLAGS],
    examples: ['instance list --fleet web-global'],
    input: listInput.extend({ fleet: nameSchema }),
    async run({ fleet, ...page }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), fleet };
      return await listed(context, page, (query) => api.listInstances({ params, query }), instancesText);
    },
  }),
  command({
    name: 'get',
    summary: 'Show an instance of any fleet',
    arguments: INSTANCE,
    examples: ['instance get f01k5r3x9aq2b7c4d-00017'],
    input: identified,
    async run({ id }, context) {
      const params = { namespace: await context.namespace(), instance: id };
      const document = await (await context.api()).getInstance({ params });
      return { document, text: instanceText(document) };
    },
  }),
  command({
    name: 'delete',
    summary: 'Delete a single instance. An instance of a larger fleet can only be deleted with its fleet',
    arguments: INSTANCE,
    flags: WAIT_FLAGS,
    examples: ['instance delete f01k5r3x9aq2b7c4d-00000 --wait'],
    input: identified.extend(waitInput.shape),
    async run({ id, wait, timeout }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), instance: id };
      const asked = await api.deleteInstance({ params });
      await sayKeptDisks(context, params.namespace, asked.fleetId);
      if (!wait) return { document: asked, text: instanceText(asked) };
      const { exitCode } = await follow(context, asked.fleetId, 'gone', timeout);
      const document = await api.getInstance({ params });
      return { document, text: instanceText(document), exitCode };
    },
  }),
]);
