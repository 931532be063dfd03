import * as z from 'zod';
import { diskRequestSchema } from './disk-input.ts';

export const RATE_KINDS = ['create', 'list', 'mutate'] as const;
export type RateKind = (typeof RATE_KINDS)[number];

export const RESOURCE_KINDS = ['network', 'security-group', 'key-pair'] as const;
export const resourceKindSchema = z.enum(RESOURCE_KINDS);
export type ResourceKind = z.infer<typeof resourceKindSchema>;

export const POWER_KINDS = ['stop', 'start', 'reboot'] as const;
export type PowerKind = (typeof POWER_KINDS)[number];

/** Kinds of what a user prepares at a cloud, and then names in a create call, with the calls that list them. */
export const PREPARED_KINDS = ['encryption-keys', 'identities', 'placement-groups'] as const;
export type PreparedKind = (typeof PREPARED_KINDS)[number];

const tagsSchema = z.record(z.string().min(1).max(128), z.string().max(256)).default({});
const wordSchema = z.string().min(1).max(256);
export const metadataOptionsSchema = z.strictObject({
  enabled: z.boolean().optional(),
  tokens: z.enum(['required', 'optional']).optional(),
  hopLimit: z.int().min(1).max(64).optional(),
});

export const createInputSchema = z
  .object({
    name: wordSchema,
    launchToken: wordSchema.optional(),
    instanceType: wordSchema,
    imageId: wordSchema,
    zone: wordSchema.optional(),
    rootDisk: diskRequestSchema.optional(),
    dataDisks: z.array(diskRequestSchema).max(16).optional(),
    userData: z.string().max(65_536).optional(),
    userDataBase64: z.base64().max(65_536).optional(),
    identity: wordSchema.optional(),
    placementGroup: wordSchema.optional(),
    metadataOptions: metadataOptionsSchema.optional(),
    networkId: wordSchema,
    subnetId: wordSchema.optional(),
    securityGroupIds: z.array(wordSchema).min(1).max(16),
    keyPairId: wordSchema,
    publicIp: z.boolean().optional(),
    market: z.enum(['spot', 'reserved']).optional(),
    reservationId: wordSchema.optional(),
    maxUsdPerHour: z.number().positive().optional(),
    tags: tagsSchema,
  })
  .strict();
export type CreateInput = z.infer<typeof createInputSchema>;

/** Calls for which a cloud may have rate limits of their own, apart from those of their kind. */
export const METERED_ACTIONS = ['terminate', 'stop', 'start'] as const;
export const meteredActionSchema = z.enum(METERED_ACTIONS);
export type MeteredAction = z.infer<typeof meteredActionSchema>;

/** Maximum number of instances in one call. A cloud's own maximum for a create call may be lower. */
export const MAX_INSTANCES_PER_CALL = 1_000;
export const createManyInputSchema = z.strictObject({
  instances: z.array(createInputSchema).min(1).max(MAX_INSTANCES_PER_CALL),
});
export const terminateManyInputSchema = z.strictObject({
  ids: z.array(wordSchema).min(1).max(MAX_INSTANCES_PER_CALL),
});

const portSchema = z.int().min(0).max(65_535);
/** An inbound rule. `from` is a CIDR, or the id of a security group of the same network. */
export const ruleSchema = z.strictObject({
  protocol: z.enum(['tcp', 'udp', 'icmp']),
  ports: z.strictObject({ first: portSchema, last: portSchema }).optional(),
  from: z.union([z.cidrv4(), z.cidrv6(), wordSchema.regex(/^[^/]+$/)]),
});
export type Rule = z.infer<typeof ruleSchema>;

const namedShape = { name: wordSchema, tags: tagsSchema };
export const ensureInputSchemas = {
  network: z.object({ ...namedShape, cidr: z.cidrv4() }).strict(),
  'security-group': z
    .object({ ...namedShape, networkId: wordSchema, rules: z.array(ruleSchema).default([]) })
    .strict(),
  'key-pair': z.object({ ...namedShape, publicKey: z.string().min(1).max(16_384) }).strict(),
} as const satisfies Record<ResourceKind, z.ZodType>;
export interface EnsureInput {
  name: string;
  tags: Record<string, string>;
  networkId?: string | undefined;
  rules?: readonly Rule[] | undefined;
  publicKey?: string | undefined;
}

/** A short text that an account stores and that all of its credentials can read. */
export const noteInputSchema = z.strictObject({ value: z.string().max(1_024) });
export const noteNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,255}$/);

export interface Page {
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** Selects the items of a list: those that have all of the tags, or a name with this prefix. */
export interface ListFilter {
  tags: Readonly<Record<string, string>>;
  namePrefix?: string | undefined;
}

/** Every operation of a cloud, with its fields. */
export type Operation =
  | { call: 'verify' }
  | { call: 'listNotes'; prefix: string }
  | { call: 'putNote'; name: string; value: string }
  | { call: 'deleteNote'; name: string }
  | { call: 'locations' }
  | { call: 'offers' | 'images'; location: string; page: Page }
  | { call: 'listReservations' | 'listQuotas'; location: string }
  | { call: 'listPrepared'; location: string; kind: PreparedKind }
  | { call: 'create'; location: string; input: CreateInput }
  /** Creates several instances. The answer has an outcome for each of them. */
  | { call: 'create'; location: string; inputs: readonly CreateInput[] }
  | { call: 'terminate'; location: string; backendIds: readonly string[] }
  | ({ call: 'list'; location: string; page: Page; ids?: readonly string[] | undefined } & ListFilter)
  | { call: 'find'; location: string; launchToken: string; name?: string | undefined }
  | { call: 'get' | 'terminate' | PowerKind; location: string; backendId: string }
  | { call: 'ensure'; location: string; kind: ResourceKind; input: EnsureInput }
  | { call: 'findResource'; location: string; kind: ResourceKind; name: string }
  | ({
      call: 'listResources';
      location: string;
      kind: ResourceKind;
      page: Page;
      ids?: readonly string[] | undefined;
    } & ListFilter)
  | ({ call: 'listVolumes'; location: string; page: Page } & ListFilter)
  | { call: 'deleteVolume'; location: string; backendId: string }
  | { call: 'deleteResource'; location: string; kind: ResourceKind; backendId: string };
export type CallName = Operation['call'];
export type LocatedOperation = Extract<Operation, { location: string }>;

/** Returns the number of instances that a call asks for or names. */
export function instancesIn(operation: Operation): number {
  if ('inputs' in operation) return operation.inputs.length;
  return 'backendIds' in operation ? operation.backendIds.length : 1;
}

/** Returns what a create call asks for. The first of several instances stands for all, because they are alike. */
export function createInputOf(operation: Operation): CreateInput | undefined {
  if (operation.call !== 'create') return undefined;
  return 'inputs' in operation ? operation.inputs[0] : operation.input;
}

export interface Caller {
  cloud: string;
  account: string;
  apiKey: string | undefined;
}

const RATE_KIND_OF: Readonly<Partial<Record<CallName, RateKind>>> = {
  create: 'create',
  list: 'list',
  find: 'list',
  get: 'list',
  findResource: 'list',
  listResources: 'list',
  listVolumes: 'list',
  terminate: 'mutate',
  stop: 'mutate',
  start: 'mutate',
  reboot: 'mutate',
  ensure: 'mutate',
  deleteResource: 'mutate',
  deleteVolume: 'mutate',
};

/**
 * Returns the rate limit that a call counts against. Undefined for calls without a limit: those that read the
 * catalogue or concern the whole account.
 */
export function rateKindOf(call: CallName): RateKind | undefined {
  return RATE_KIND_OF[call];
}
