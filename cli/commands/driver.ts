import { z } from 'zod';
import { command, noun } from '../command.ts';
import { table } from '../table.ts';

export const driverNoun = noun('driver', 'Code that talks to clouds', [
  command({
    name: 'list',
    summary: 'List drivers: their clouds, default limits and credential fields',
    examples: ['driver list'],
    input: z.object({}),
    async run(_, context) {
      const document = await (await context.api()).listDrivers();
      const clouds = document.items.flatMap((driver) =>
        driver.clouds.map(({ cloud, limitProfile: limits }) => [
          driver.name,
          cloud,
          limits.concurrentLocations,
          limits.concurrentInstancesPerLocation,
          limits.calls.create.perSecond,
          limits.calls.list.perSecond,
        ]),
      );
      const credential = document.items.flatMap((driver) =>
        driver.credentialFields.map((field) => [
          driver.name,
          field.name,
          field.required ? 'required' : 'optional',
          field.secret ? 'secret' : 'plain',
          field.description,
        ]),
      );
      return {
        document,
        text: `${table(['driver', 'cloud', 'locations', 'instances', 'creates/s', 'lists/s'], clouds)}\n${table(['driver', 'credential field', 'needed', 'kind', 'what it is'], credential)}`,
      };
    },
  }),
]);
