import * as z from 'zod';
import { perSecondOf } from '../../functions/model/rate.ts';
import { command, noun } from '../shell/command.ts';
import { table } from '../shell/table.ts';

export const driverNoun = noun('driver', 'Drivers of the deployment', [
  command({
    name: 'list',
    summary:
      'List the deployed drivers with their clouds, default limits, credential fields and capabilities',
    examples: ['driver list'],
    input: z.object({}),
    async run(_, context) {
      const document = await (await context.api()).listDrivers();
      const clouds = document.items.flatMap((driver) =>
        driver.clouds.map(({ cloud, limitProfile: limits }) => [
          driver.name,
          cloud,
          limits.concurrentLocations ?? 'any',
          limits.concurrentInstancesPerLocation ?? 'any',
          perSecondOf(limits.calls.create),
          perSecondOf(limits.calls.list),
        ]),
      );
      const abilities = document.items.map((driver) => [
        driver.name,
        driver.title,
        driver.endpoint === 'required' ? 'required' : "the cloud's own",
        driver.statusPollSeconds,
        driver.inventoryPollMinutes,
        [...driver.capabilities, ...driver.features].join(' '),
      ]);
      const credential = document.items.flatMap((driver) =>
        driver.credentialFields.map((field) => [
          driver.name,
          field.name,
          field.alternative,
          field.required ? 'required' : field.requiredBy?.join(' ') || 'optional',
          field.secret ? 'secret' : 'plain',
          field.description,
        ]),
      );
      return {
        document,
        text: [
          table(
            ['driver', 'title', 'endpoint', 'poll s', 'catalogue min', 'capabilities and features'],
            abilities,
          ),
          table(['driver', 'cloud', 'locations', 'instances', 'creates/s', 'lists/s'], clouds),
          table(['driver', 'credential field', 'alternative', 'needed', 'kind', 'description'], credential),
        ].join('\n'),
      };
    },
  }),
]);
