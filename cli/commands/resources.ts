import * as z from 'zod';
import { disksText } from '../../functions/model/disk-text.ts';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { resourceKindSchema } from '../../functions/model/orphan.ts';
import { type Resource, resourceStateSchema, volumeNameSchema } from '../../functions/model/resource.ts';
import { command, noun } from '../shell/command.ts';
import { stuckText } from '../shell/show-waiting.ts';
import { table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

/** Returns a line with the price of the listed kept disks together. Empty if there are none. */
function sumOfDisks(items: readonly Resource[]): string {
  const disks = items.filter(({ kind }) => kind === 'volume');
  return disks.length === 0 ? '' : `\n${disksText(disks)}\n`;
}

export const resourcesNoun = noun('resources', 'Network resources of fleets, and disks that are kept', [
  command({
    name: 'list',
    summary:
      'List networks, security groups and key pairs, with the node groups that need them, and kept disks',
    flags: [
      ['--fleet <fleet>', 'only of this fleet: its id, or the name of a live fleet'],
      ['--kind <kind>', resourceKindSchema.options.join(', ')],
      ['--connection <name>', 'only on this connection'],
      ['--location <location>', 'only at this location'],
      ['--state <state>', resourceStateSchema.options.join(', ')],
      ...LIST_FLAGS,
    ],
    examples: ['resources list', 'resources list --fleet web-global --kind network --json'],
    input: listInput.extend({
      fleet: nameSchema.optional(),
      kind: resourceKindSchema.optional(),
      connection: nameSchema.optional(),
      location: cloudWordSchema.optional(),
      state: resourceStateSchema.optional(),
    }),
    async run({ limit, cursor, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace() };
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listResources({ params, query: { ...page, ...filter } }),
        (items) =>
          `${table(
            [
              'name',
              'kind',
              'state',
              'fleet',
              'cloud',
              'connection',
              'location',
              'needed by',
              'instances',
              'disk',
              'USD/month',
              'stuck',
            ],
            items.map((one) => [
              one.name,
              one.kind,
              one.state,
              one.fleet.name,
              one.cloud,
              one.connection,
              one.location,
              one.neededBy.join(', '),
              one.liveInstances,
              one.sizeGb && `${one.sizeGb} GB${one.diskType === undefined ? '' : ` ${one.diskType}`}`,
              one.kind === 'volume' ? (one.usdPerMonth?.toFixed(2) ?? 'not known') : undefined,
              one.stuck && stuckText(one.stuck),
            ]),
          )}${sumOfDisks(items)}`,
      );
    },
  }),
  command({
    name: 'remove',
    summary: 'Remove a disk that was kept when its machine was removed, with what is on it',
    arguments: [['<volume>', 'name of the volume, as `resources list --kind volume` shows it']],
    examples: ['resources remove v0123456789abcdef'],
    input: z.strictObject({ volume: volumeNameSchema }),
    async run({ volume }, context) {
      const params = { namespace: await context.namespace(), volume };
      const document = await (await context.api()).removeVolume({ params });
      context.say(
        `Volume ${volume} is being removed. To see when it is gone, run: fleetwright resources list --kind volume`,
      );
      return { document, text: `${document.name} of ${document.fleet.name}, ${document.sizeGb} GB` };
    },
  }),
]);
