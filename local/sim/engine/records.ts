import * as z from 'zod';
import { activeFaultSchema } from './faults.ts';
import {
  metadataOptionsSchema,
  POWER_KINDS,
  RATE_KINDS,
  resourceKindSchema,
  ruleSchema,
} from './requests.ts';

/** Identifies a site: one account at one location of a cloud. */
export const siteKeySchema = z.object({ cloud: z.string(), account: z.string(), location: z.string() });
export type SiteKey = z.infer<typeof siteKeySchema>;

/** The latest stop, start or reboot: when it was requested, and when it ends. */
export const powerSchema = z.object({
  kind: z.enum(POWER_KINDS),
  askedAtMs: z.number(),
  doneAtMs: z.number(),
});

export const instanceRecordSchema = siteKeySchema.extend({
  /** The instance's number at its site, from 1, in the order of acceptance. */
  sequence: z.int().positive(),
  backendId: z.string(),
  name: z.string(),
  launchToken: z.string().optional(),
  instanceType: z.string(),
  imageId: z.string(),
  zone: z.string().optional(),
  networkId: z.string(),
  securityGroupIds: z.array(z.string()).default([]),
  keyPairId: z.string(),
  tags: z.record(z.string(), z.string()),
  identity: z.string().optional(),
  placementGroup: z.string().optional(),
  metadataOptions: metadataOptionsSchema.optional(),
  /** Absent: the instance has no public address. */
  publicIp: z.string().optional(),
  privateIp: z.string(),
  /** IPv6 address. Absent: the cloud's networks have no IPv6. */
  ipv6: z.string().optional(),
  acceptedAtMs: z.number(),
  submitMs: z.number(),
  bootMs: z.number(),
  /** Time from the end of the boot until the cloud shows the addresses. */
  addressMs: z.number().optional(),
  failsToBoot: z.boolean(),
  removeAskedAtMs: z.number().optional(),
  terminatedAtMs: z.number().optional(),
  power: powerSchema.optional(),
  vanished: z.boolean(),
  /** Absent: on-demand. */
  market: z.enum(['spot', 'reserved']).optional(),
  reservationId: z.string().optional(),
  /** Why the cloud has taken the spot instance back. */
  interruptedBecause: z.string().optional(),
  /** True for a planted instance, which no create call created. */
  planted: z.boolean().optional(),
  /** Until this time, the cloud does not show the instance, although it runs. */
  hiddenUntilMs: z.number().optional(),
});
export type InstanceRecord = z.infer<typeof instanceRecordSchema>;

export const resourceRecordSchema = siteKeySchema.extend({
  kind: resourceKindSchema,
  backendId: z.string(),
  subnetId: z.string().optional(),
  networkId: z.string().optional(),
  /** The inbound rules of a security group. */
  rules: z.array(ruleSchema).optional(),
  /** The public key of a key pair. */
  publicKey: z.string().optional(),
  name: z.string(),
  tags: z.record(z.string(), z.string()),
  createdAtMs: z.number(),
  /**
   * Greater than the number of every resource that existed at the site when this resource was created. Lists
   * are sorted by this number.
   */
  sequence: z.int().nonnegative().default(0),
});
export type ResourceRecord = z.infer<typeof resourceRecordSchema>;

export const volumeRecordSchema = siteKeySchema.extend({
  /** The volume's number at its site. Lists are sorted by this number. */
  sequence: z.int().positive(),
  backendId: z.string(),
  name: z.string(),
  tags: z.record(z.string(), z.string()),
  launchToken: z.string().optional(),
  /** Which disk of its instance the volume is: the root disk, or the n-th data disk, from 0. */
  disk: z.union([z.literal('root'), z.int().nonnegative()]),
  sizeGb: z.number(),
  type: z.string(),
  iops: z.number().optional(),
  throughputMbps: z.number().optional(),
  encrypted: z.boolean().optional(),
  encryptionKeyId: z.string().optional(),
  /** The instance for which the volume was made. Absent for a planted volume. */
  instanceId: z.string().optional(),
  deleteOnTermination: z.boolean(),
  createdAtMs: z.number(),
  /** True if the cloud leaves the volume behind when its instance is gone, whatever `deleteOnTermination` says. */
  outlives: z.boolean().optional(),
});
export type VolumeRecord = z.infer<typeof volumeRecordSchema>;

/**
 * Limits that a call can exceed: the rates, the slots of a location, and the location slots of an account
 * (the number of locations with instances that do not run yet).
 */
export const VIOLATIONS = [...RATE_KINDS, 'instanceSlots', 'locationSlots'] as const;
export const violationSchema = z.enum(VIOLATIONS);
export type Violation = z.infer<typeof violationSchema>;

export const accountRuleSchema = z
  .object({
    apiKey: z
      .string()
      .min(1)
      .optional()
      .describe('The API key that calls must send. Absent: the derived key (`accountKey`).'),
    revoked: z.boolean().default(false),
    deniesNotes: z.boolean().optional().describe('True: the credential has no right to notes.'),
  })
  .strict();
export type AccountRule = z.infer<typeof accountRuleSchema>;

const countsSchema = z.record(z.string(), z.int().nonnegative());

/**
 * Defines the events that change a cloud's state. The journal (the file from which a restart restores the clouds) has
 * one event in each line. Applying these events in order restores the state.
 */
export const simEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('reset'), seed: z.int(), epoch: z.int() }),
  z.object({ kind: z.literal('instance'), record: instanceRecordSchema }),
  z.object({ kind: z.literal('resource'), record: resourceRecordSchema }),
  z.object({ kind: z.literal('volume'), record: volumeRecordSchema }),
  z.object({ kind: z.literal('volume-gone'), site: siteKeySchema, backendId: z.string() }),
  z.object({ kind: z.literal('resource-gone'), site: siteKeySchema, backendId: z.string() }),
  z.object({
    kind: z.literal('call'),
    /** For a call without a location, `location` is empty. */
    site: siteKeySchema,
    call: z.string(),
  }),
  z.object({ kind: z.literal('throttled'), site: siteKeySchema, violation: violationSchema.optional() }),
  z.object({
    kind: z.literal('counts'),
    site: siteKeySchema,
    calls: countsSchema,
    throttled: z.int(),
    violations: countsSchema,
    sequence: z.int(),
  }),
  z.object({ kind: z.literal('fault'), fault: activeFaultSchema }),
  z.object({ kind: z.literal('fault-gone'), id: z.string() }),
  z.object({ kind: z.literal('location'), cloud: z.string(), location: z.string(), up: z.boolean() }),
  z.object({ kind: z.literal('account'), account: z.string(), rule: accountRuleSchema }),
  z.object({
    kind: z.literal('note'),
    cloud: z.string(),
    account: z.string(),
    name: z.string(),
    value: z.string().optional().describe('Absent: the note is deleted.'),
  }),
]);
export type SimEvent = z.infer<typeof simEventSchema>;
