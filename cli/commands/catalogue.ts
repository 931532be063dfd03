import { z } from 'zod';
import { architectureSchema } from '../../functions/model/cloud.ts';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import { table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const CONNECTION: Flag = ['--connection <name>', 'whose catalogue'];
const atConnection = listInput.extend({ connection: nameSchema });

export const locationNoun = noun('location', 'Where a connection can place instances', [
  command({
    name: 'list',
    summary: 'List locations, with coordinates and zones',
    flags: [
      CONNECTION,
      ['--country <code>', 'only there, as ISO 3166-1 alpha-3 has it'],
      ['--available', 'only those that are up'],
      ['--no-available', 'only those that are down or gone'],
      ...LIST_FLAGS,
    ],
    examples: ['location list --connection sim-aws', 'location list --connection sim-gcp --country KOR'],
    input: atConnection.extend({
      country: z.string().length(3).optional(),
      available: z.boolean().optional(),
    }),
    async run({ connection, limit, cursor, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), connection };
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listLocations({ params, query: { ...filter, ...page } }),
        (items) =>
          table(
            ['name', 'place', 'country', 'latitude', 'longitude', 'zones', 'available'],
            items.map((one) => [
              one.name,
              one.displayName,
              one.country,
              one.latitude,
              one.longitude,
              one.zones.join(' '),
              one.available,
            ]),
          ),
      );
    },
  }),
]);

export const instanceTypeNoun = noun('instance-type', 'Sizes of instances', [
  command({
    name: 'list',
    summary: 'List instance types',
    flags: [
      CONNECTION,
      ['--gpu', 'only with a GPU'],
      ['--no-gpu', 'only without'],
      ['--architecture <name>', 'x86_64 or arm64'],
      ['--min-vcpus <count>', 'at least so many'],
      ['--min-memory-gb <gb>', 'at least so much'],
      ...LIST_FLAGS,
    ],
    examples: [
      'instance-type list --connection sim-aws --gpu',
      'instance-type list --connection sim-aws --no-gpu --min-vcpus 8 --min-memory-gb 32',
    ],
    input: atConnection.extend({
      gpu: z.boolean().optional(),
      architecture: architectureSchema.optional(),
      minVcpus: z.coerce.number().positive().optional(),
      minMemoryGb: z.coerce.number().positive().optional(),
    }),
    async run({ connection, limit, cursor, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), connection };
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listInstanceTypes({ params, query: { ...filter, ...page } }),
        (items) =>
          table(
            ['name', 'vcpus', 'memory gb', 'architecture', 'gpu'],
            items.map(({ gpu, ...one }) => [
              one.name,
              one.vcpus,
              one.memoryGb,
              one.architecture,
              gpu && `${gpu.count} × ${gpu.manufacturer} ${gpu.model} ${gpu.memoryGb} GB`,
            ]),
          ),
      );
    },
  }),
]);

export const offerNoun = noun('offer', 'Instance types at locations, with prices', [
  command({
    name: 'list',
    summary: 'List what is offered where, at which price',
    flags: [
      CONNECTION,
      ['--location <name>', 'only there'],
      ['--zone <name>', 'only in this zone'],
      ['--instance-type <name>', 'only of this type'],
      ['--max-usd-per-hour <usd>', 'only with a price, and at most this'],
      ['--available', 'only what can be had'],
      ['--no-available', 'only what cannot'],
      ...LIST_FLAGS,
    ],
    examples: ['offer list --connection sim-aws --location us-east-1 --available'],
    input: atConnection.extend({
      location: cloudWordSchema.optional(),
      zone: cloudWordSchema.optional(),
      instanceType: cloudWordSchema.optional(),
      maxUsdPerHour: z.coerce.number().positive().optional(),
      available: z.boolean().optional(),
    }),
    async run({ connection, limit, cursor, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), connection };
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listOffers({ params, query: { ...filter, ...page } }),
        (items) =>
          table(
            ['location', 'zone', 'type', 'usd/h', 'spot usd/h', 'available'],
            items.map((one) => [
              one.location,
              one.zone,
              one.instanceType,
              one.priceUsdPerHour,
              one.spotPriceUsdPerHour,
              one.available,
            ]),
          ),
      );
    },
  }),
]);

export const imageNoun = noun('image', 'What instances boot', [
  command({
    name: 'list',
    summary: 'List images',
    flags: [
      CONNECTION,
      ['--location <name>', 'only there'],
      ['--name <name>', 'only of this name'],
      ['--architecture <name>', 'x86_64 or arm64'],
      ['--available', 'only what can be had'],
      ['--no-available', 'only what cannot'],
      ...LIST_FLAGS,
    ],
    examples: [
      'image list --connection sim-aws --location us-east-1',
      'image list --connection sim-gcp --name ubuntu-24.04',
    ],
    input: atConnection.extend({
      location: cloudWordSchema.optional(),
      name: cloudWordSchema.optional(),
      architecture: architectureSchema.optional(),
      available: z.boolean().optional(),
    }),
    async run({ connection, limit, cursor, ...filter }, context) {
      const api = await context.api();
      const params = { namespace: await context.namespace(), connection };
      return await listed(
        context,
        { limit, cursor },
        (page) => api.listImages({ params, query: { ...filter, ...page } }),
        (items) =>
          table(
            ['name', 'location', 'architectures', 'available', 'description'],
            items.map((one) => [
              one.name,
              one.location,
              one.architectures.join(' '),
              one.available,
              one.description,
            ]),
          ),
      );
    },
  }),
]);
