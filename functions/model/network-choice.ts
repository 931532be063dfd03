import * as z from 'zod';
import { cloudWordSchema } from './identifiers.ts';

/** Maximum number of entries of one `existing` map: as many as a fleet may have placements. */
const MAX_ENTRIES = 200;
const MAX_SUBNETS = 32;
/** Maximum number of security groups of one machine that EC2 allows. Other clouds allow fewer. */
const MAX_SECURITY_GROUPS = 16;
/**
 * Maximum size of the networks of one connection, or of one fleet after its connections' networks are added, as UTF-8
 * JSON. They are stored in a DynamoDB item together with other data, and an item may have at most 400 KB.
 */
export const MAX_NETWORKS_BYTES = 64 * 1024;

/** The id or name of a resource that the user made at the cloud, as the cloud spells it. */
const givenIdSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,512}$/, 'must be 1 to 512 visible ASCII characters without spaces');

/**
 * A network that the user made at one location. Fleetwright never changes or removes it, nor its subnets and security
 * groups.
 */
export const givenNetworkSchema = z
  .object({
    networkId: givenIdSchema.describe('The network, as the cloud names it.'),
    subnetIds: z
      .union(
        [
          z
            .record(cloudWordSchema, givenIdSchema)
            .refine((subnets) => Object.keys(subnets).length <= MAX_SUBNETS, {
              message: `must have at most ${MAX_SUBNETS} zones`,
              params: { code: 'too-big' },
            })
            .refine((subnets) => Object.keys(subnets).length > 0, {
              message: 'must have at least one zone',
              params: { code: 'too-small' },
            }),
          z.array(givenIdSchema).min(1).max(MAX_SUBNETS),
        ],
        'must name a subnet for each zone, such as {"us-east-1a": "subnet-…"}, or be a list of subnets',
      )
      .exactOptional()
      .describe(
        'The subnets, by zone: machines are created in these zones only. A list, where the cloud’s subnets belong to no zone.',
      ),
    securityGroupIds: z
      .array(givenIdSchema)
      .min(1)
      .max(MAX_SECURITY_GROUPS)
      .describe('The security groups of each machine. They decide what traffic may reach the machine.'),
  })
  .strict();
export type GivenNetwork = z.infer<typeof givenNetworkSchema>;

/** A key of `existing`: `LOCATION`, or `CONNECTION/LOCATION`. Names of locations may have a `/` of their own. */
const givenKeySchema = z
  .string()
  .regex(/^[A-Za-z0-9-][A-Za-z0-9._:/-]{0,168}$/, 'must be a location, or CONNECTION/LOCATION');

/** Given networks by `LOCATION`, or by `CONNECTION/LOCATION`. The longer key wins. */
const givenNetworksSchema = z
  .record(givenKeySchema, givenNetworkSchema)
  .refine((entries) => Object.keys(entries).length <= MAX_ENTRIES, {
    message: `must have at most ${MAX_ENTRIES} entries`,
    params: { code: 'too-big' },
  });
export type GivenNetworks = z.infer<typeof givenNetworksSchema>;

export const networkModeSchema = z.enum(['shared', 'dedicated', 'existing']);
export type NetworkMode = z.infer<typeof networkModeSchema>;

/**
 * How the machines of a fleet get their networks. `shared`: fleets of one connection share a network at each location.
 * `dedicated`: each fleet has network resources of its own at each site.
 * `existing`: the user gives a network, its subnets and its security groups.
 */
export const networkChoiceSchema = z.discriminatedUnion('mode', [
  z
    .object({
      mode: z.literal('shared').describe('Fleets of one connection share a network at each location.'),
    })
    .strict(),
  z
    .object({
      mode: z.literal('dedicated').describe('The fleet has networks of its own, which are removed with it.'),
    })
    .strict(),
  z
    .object({
      mode: z.literal('existing').describe('The fleet uses networks that the user made.'),
      existing: givenNetworksSchema
        .exactOptional()
        .describe(
          'The networks, by location or by `CONNECTION/LOCATION`. A location that is left out uses the network of its connection.',
        ),
    })
    .strict(),
]);
export type NetworkChoice = z.infer<typeof networkChoiceSchema>;

/**
 * The default network of a connection. The keys of `existing` are locations: the entries are those of one connection.
 */
export const connectionNetworkSchema = networkChoiceSchema.superRefine((choice, context) => {
  const issue = (code: string, message: string) =>
    context.addIssue({ code: 'custom', path: ['existing'], message, params: { code } });
  if (choice.mode !== 'existing') return;
  if (Object.keys(choice.existing ?? {}).length === 0)
    issue('too-small', 'must have an entry for each location to use');
  if (Buffer.byteLength(JSON.stringify(choice)) > MAX_NETWORKS_BYTES)
    issue('too-big', `must have at most ${MAX_NETWORKS_BYTES} bytes as JSON`);
});

/** Mode of a fleet that says nothing, on a connection that says nothing. */
export const DEFAULT_NETWORK_MODE = 'shared' satisfies NetworkMode;

/** The network that one fleet uses at one site. Part of the spec, which never changes. */
export const siteNetworkSchema = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('shared') }),
  z.object({ mode: z.literal('dedicated') }),
  z.object({
    mode: z.literal('existing'),
    given: givenNetworkSchema,
    pointer: z
      .string()
      .describe(
        'JSON pointer of the entry in the request of the fleet. `/network` if the entry is that of the connection.',
      ),
  }),
]);
export type SiteNetwork = z.infer<typeof siteNetworkSchema>;

/** A given network, and the key under which it stands in `existing`. */
export interface GivenEntry {
  key: string;
  given: GivenNetwork;
}

/** Returns the entry for a site. `CONNECTION/LOCATION` wins over `LOCATION`. */
export function givenAt(
  existing: GivenNetworks | undefined,
  connection: string,
  location: string,
): GivenEntry | undefined {
  for (const key of [`${connection}/${location}`, location]) {
    const given = existing && Object.hasOwn(existing, key) ? existing[key] : undefined;
    if (given) return { key, given };
  }
  return undefined;
}

/** The given network in the terms of the driver contract (`EnsuredNetwork`). */
export function networkOfGiven({ networkId, subnetIds }: GivenNetwork): {
  backendId: string;
  subnetBackendId?: string;
  zones?: { zone: string; subnetBackendId: string }[];
} {
  if (subnetIds === undefined) return { backendId: networkId };
  if (Array.isArray(subnetIds)) {
    const [only, ...others] = subnetIds;
    return {
      backendId: networkId,
      ...(only === undefined || others.length > 0 ? {} : { subnetBackendId: only }),
    };
  }
  const zones = Object.entries(subnetIds).map(([zone, subnetBackendId]) => ({ zone, subnetBackendId }));
  return { backendId: networkId, zones: zones.toSorted((a, b) => (a.zone < b.zone ? -1 : 1)) };
}

/** Returns the zones that have a given subnet; undefined if the subnets belong to no zone. */
export function zonesOfGiven({ subnetIds }: GivenNetwork): string[] | undefined {
  return subnetIds === undefined || Array.isArray(subnetIds) ? undefined : Object.keys(subnetIds).sort();
}

/** Builds the JSON pointer of an entry of `existing` in the request of a fleet. */
export const givenPointer = (key: string): string =>
  `/network/existing/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
