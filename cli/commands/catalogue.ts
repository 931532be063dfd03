import * as z from 'zod';
import { architectureSchema } from '../../functions/model/cloud.ts';
import { cloudWordSchema, nameSchema } from '../../functions/model/identifiers.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import { table } from '../shell/table.ts';
import { LIST_FLAGS, listed, listInput } from './list-flags.ts';

const CONNECTION: Flag = ['--connection <name>', 'connection whose catalogue is read'];
const atConnection = listInput.extend({ connection: nameSchema });

export const locationNoun = noun('location', 'Locations of a connection', [
  command({
    name: 'list',
    summary: 'List locations, with coordinates and zones',
    flags: [
      CONNECTION,
      ['--country <code>', 'only in this country (ISO 3166-1 alpha-3)'],
      ['--available', 'only available locations'],
      ['--no-available', 'only locations that are down, or that the cloud no longer has'],
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
            [
              'name',
              'place',
              'country',
              'latitude',
              'longitude',
              'zones',
              'available',
              'denied because',
              'missing rights',
            ],
            items.map((one) => [
              one.name,
              one.displayName,
              one.country,
              one.latitude,
              one.longitude,
              one.zones.join(' '),
              one.available,
              one.unavailable?.message,
              one.missingRights?.map(({ call }) => call).join(' '),
            ]),
          ),
      );
    },
  }),
]);

export const instanceTypeNoun = noun('instance-type', 'Instance types of a connection', [
  command({
    name: 'list',
    summary: 'List instance types',
    flags: [
      CONNECTION,
      ['--gpu', 'only types with a GPU'],
      ['--no-gpu', 'only types without a GPU'],
      ['--architecture <name>', 'x86_64 or arm64'],
      ['--min-vcpus <count>', 'only types with at least this many vCPUs'],
      ['--min-memory-gb <gb>', 'only types with at least this much memory'],
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

export const offerNoun = noun('offer', 'Offers: instance types at locations, with price and availability', [
  command({
    name: 'list',
    summary: 'List offers',
    flags: [
      CONNECTION,
      ['--location <name>', 'only in this location'],
      ['--zone <name>', 'only in this zone'],
      ['--instance-type <name>', 'only this instance type'],
      ['--max-usd-per-hour <usd>', 'only offers that cost at most this much an hour'],
      ['--available', 'only available offers'],
      ['--no-available', 'only offers that are not available'],
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

export const imageNoun = noun('image', 'Images of a connection', [
  command({
    name: 'list',
    summary: 'List images',
    flags: [
      CONNECTION,
      ['--location <name>', 'only in this location'],
      ['--name <name>', 'only with this name'],
      ['--architecture <name>', 'x86_64 or arm64'],
      ['--available', 'only available images'],
      ['--no-available', 'only images that are not available'],
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
            ['name', 'location', 'architectures', 'available', 'SSH user', 'description'],
            items.map((one) => [
              one.name,
              one.location,
              one.architectures.join(' '),
              one.available,
              one.sshUser,
              one.description,
            ]),
          ),
      );
    },
  }),
]);
