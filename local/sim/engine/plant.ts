import * as z from 'zod';
import { newRecord } from './create-instance.ts';
import type { InstanceRecord, ResourceRecord } from './records.ts';
import { Refusal } from './refusals.ts';
import { resourceKindSchema } from './requests.ts';
import { ensureResource } from './resources.ts';
import { statusAt } from './status.ts';
import { named, type Target, type World } from './world.ts';

const siteShape = {
  cloud: z.string().min(1),
  connection: z.string().min(1).describe('The account.'),
  location: z.string().min(1),
};
const thingShape = { name: z.string().min(1), tags: z.record(z.string(), z.string()).default({}) };

export const plantedInstanceSchema = z.strictObject({
  ...siteShape,
  ...thingShape,
  launchToken: z.string().min(1).optional(),
  instanceType: z.string().default('planted'),
  networkId: z.string().default(''),
});
export const plantedResourceSchema = z.strictObject({
  ...siteShape,
  ...thingShape,
  kind: resourceKindSchema,
  networkId: z.string().optional(),
});

/**
 * Adds to a cloud a machine that no create call created. Limits do not apply to the machine, and it runs immediately.
 */
export function plantInstance(world: World, planted: z.output<typeof plantedInstanceSchema>): InstanceRecord {
  const { name, tags, launchToken, instanceType, networkId } = planted;
  const input = { name, tags, launchToken, instanceType, networkId };
  const needs = { imageId: '', securityGroupIds: [], keyPairId: '' };
  const record = {
    ...newRecord(world, targetOf(world, planted), { ...input, ...needs }, false),
    submitMs: 0,
    bootMs: 0,
    planted: true,
  };
  world.commit({ kind: 'instance', record });
  return record;
}

/** Gives an instance another type, as a user does who resizes the instance in the cloud's console. */
export function resizeInstance(world: World, record: InstanceRecord, instanceType: string): void {
  world.commit({ kind: 'instance', record: { ...record, instanceType } });
}

/** Hides all running instances of an account at a location until a given time. */
export function hideInstances(
  world: World,
  of: { cloud: string; connection: string; location: string },
  untilMs: number,
): InstanceRecord[] {
  const { site, nowMs } = targetOf(world, of);
  const hidden = [...site.live.values()].filter((record) => statusAt(record, nowMs) === 'Running');
  for (const record of hidden)
    world.commit({ kind: 'instance', record: { ...record, hiddenUntilMs: untilMs } });
  return hidden;
}

/** Adds to a cloud a network resource that no call created. */
export function plantResource(world: World, planted: z.output<typeof plantedResourceSchema>): ResourceRecord {
  return ensureResource(world, targetOf(world, planted), planted.kind, planted).record;
}

function targetOf(
  { config, state, clock }: World,
  { cloud: cloudName, connection, location }: { cloud: string; connection: string; location: string },
): Target {
  const cloud = named(config.clouds, cloudName);
  if (!cloud) throw new Refusal('UnknownCloud', `cloud ${cloudName} does not exist`);
  if (!named(cloud.locations, location))
    throw new Refusal('UnknownLocation', `location ${location} does not exist`);
  const site = state.site({ cloud: cloudName, account: connection, location });
  return { cloud, site, nowMs: clock.now() };
}
