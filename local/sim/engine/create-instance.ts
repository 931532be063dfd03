import type { Admission } from './admission.ts';
import { imageIdAt } from './catalogue.ts';
import { draw, drawBetween, drawId } from './draw.ts';
import { checkMarket, reservationOf } from './markets.ts';
import { checkPrepared } from './prepared.ts';
import type { InstanceRecord } from './records.ts';
import { Refusal } from './refusals.ts';
import type { CreateInput, ResourceKind } from './requests.ts';
import type { Site } from './state.ts';
import { statusAt } from './status.ts';
import { checkDisks, makeVolumes } from './volumes.ts';
import { named, siteParts, type Target, type World } from './world.ts';
import { checkZone, nextZone, zonesOf } from './zones.ts';

export interface CreateEffects {
  failsToBoot: boolean;
  /** True if the call creates a second instance, which the answer does not show. */
  twice: boolean;
  /** True if the instance's volumes are left behind when it is gone. */
  leavesVolumes: boolean;
}

/** Creates an instance. @returns the instance, which may be from an earlier call with the same token */
export function createInstance(
  world: World,
  admission: Admission,
  target: Target,
  input: CreateInput,
  effects: CreateEffects,
): { record: InstanceRecord; isNew: boolean } {
  const { cloud, site, nowMs } = target;
  checkCreate(target, input);
  checkDisks(target, input);
  const earlier = cloud.honoursTokens ? firstWithToken(site, input.launchToken) : undefined;
  if (earlier) {
    if (statusAt(earlier, nowMs) === 'Terminated') {
      throw new Refusal(
        'LaunchTokenUsed',
        'the instance that was created with this launch token has been terminated',
      );
    }
    return { record: earlier, isNew: false };
  }
  checkMarket(target, input);
  checkZone(target, input);
  admission.takeSlot(target, input);
  const record = newRecord(world, target, input, effects.failsToBoot);
  const made = [record];
  world.commit({ kind: 'instance', record });
  if (effects.twice) {
    const second = newRecord(world, target, input, effects.failsToBoot);
    world.commit({ kind: 'instance', record: second });
    made.push(second);
  }
  for (const one of made) makeVolumes(world, target, one, input, effects.leavesVolumes);
  return { record, isNew: true };
}

function firstWithToken(site: Site, launchToken: string | undefined): InstanceRecord | undefined {
  const backendId = launchToken === undefined ? undefined : site.byToken.get(launchToken);
  if (backendId === undefined) return undefined;
  return site.live.get(backendId) ?? site.gone.find((record) => record.backendId === backendId);
}

export function checkCreate(target: Target, input: CreateInput): void {
  const { cloud, site } = target;
  const { location } = site.key;
  const bad = (message: string) => new Refusal('InvalidParameter', message);
  const type = named(cloud.instanceTypes, input.instanceType);
  if (!type || (type.onlyIn && !type.onlyIn.includes(location))) {
    throw bad(`instanceType: ${input.instanceType} is not offered at ${location}`);
  }
  const image = Object.entries(cloud.images).find(
    ([name, { backendId }]) => imageIdAt(site.key, name, backendId) === input.imageId,
  )?.[1];
  if (!image) throw bad(`imageId: ${location} has no image ${input.imageId}`);
  if (!image.architectures.includes(type.architecture)) {
    throw bad(`imageId: ${input.imageId} does not run on ${type.architecture}`);
  }
  const { sizeGb = image.minDiskGb } = input.rootDisk ?? {};
  if (sizeGb < image.minDiskGb)
    throw bad(`rootDisk/sizeGb: ${input.imageId} needs a disk of at least ${image.minDiskGb} GB`);
  if (input.zone !== undefined && !zonesOf(cloud, location).includes(input.zone)) {
    throw bad(`zone: ${location} has no zone ${input.zone}`);
  }
  checkPrepared(target, input);
  const resource = (field: string, kind: ResourceKind, id: string) => {
    const found = site.resources.get(id);
    if (found?.kind !== kind) throw bad(`${field}: ${location} has no ${kind} ${id}`);
    return found;
  };
  const network = resource('networkId', 'network', input.networkId);
  resource('keyPairId', 'key-pair', input.keyPairId);
  for (const id of input.securityGroupIds) {
    const group = resource('securityGroupIds', 'security-group', id);
    if (group.networkId !== network.backendId)
      throw bad(`securityGroupIds: the security group ${id} belongs to another network`);
  }
  if (input.subnetId !== undefined && input.subnetId !== network.subnetId) {
    throw bad(`subnetId: network ${network.backendId} has no subnet ${input.subnetId}`);
  }
}

export function newRecord(
  { state }: World,
  { cloud, site, nowMs }: Target,
  input: CreateInput,
  failsToBoot: boolean,
): InstanceRecord {
  const sequence = site.sequence + 1;
  // Random draws depend on the instance's number at its site, and not on its name. Therefore the k-th
  // instance of a site takes the same time in every run with one seed.
  const parts = [state.seed, ...siteParts(site), sequence] as const;
  const reserved = reservationOf({ cloud, site, nowMs }, input);
  const zone = input.zone ?? reserved?.zone ?? nextZone(cloud, site);
  const idParts = [state.seed, state.epoch, site.key.account, ...siteParts(site), sequence];
  const host = `${Math.floor(sequence / 250) % 250}.${(sequence % 250) + 4}`;
  const addressMs = Math.round(drawBetween(cloud.addressSeconds, 'address', ...parts) * 1_000);
  return {
    ...site.key,
    sequence,
    backendId: drawId(cloud.ids.instance, ...idParts),
    name: input.name,
    ...(input.launchToken === undefined ? {} : { launchToken: input.launchToken }),
    instanceType: input.instanceType,
    imageId: input.imageId,
    ...(zone === undefined ? {} : { zone }),
    networkId: input.networkId,
    securityGroupIds: input.securityGroupIds,
    keyPairId: input.keyPairId,
    tags: input.tags,
    ...(input.identity === undefined ? {} : { identity: input.identity }),
    ...(input.placementGroup === undefined ? {} : { placementGroup: input.placementGroup }),
    ...(input.metadataOptions === undefined ? {} : { metadataOptions: input.metadataOptions }),
    ...(input.publicIp === false ? {} : { publicIp: publicIpOf(sequence, ...idParts) }),
    privateIp: `10.0.${host}`,
    ...(cloud.ipv6 ? { ipv6: `2001:db8::${sequence.toString(16)}` } : {}),
    acceptedAtMs: nowMs,
    submitMs: Math.round(drawBetween(cloud.submitMs, 'submit', ...parts)),
    bootMs: Math.round(drawBetween(cloud.bootSeconds, 'boot', ...parts) * 1_000),
    ...(addressMs === 0 ? {} : { addressMs }),
    ...(input.market === undefined ? {} : { market: input.market }),
    ...(input.reservationId === undefined ? {} : { reservationId: input.reservationId }),
    failsToBoot,
    vanished: false,
  };
}

/**
 * Returns a public address. 198.18.0.0/15 is reserved for benchmarks (RFC 2544): no real machine has such an address.
 */
export function publicIpOf(sequence: number, ...parts: readonly (string | number)[]): string {
  const block = Math.floor(draw(...parts, 'block') * 65_536);
  return `198.${18 + (block % 2)}.${Math.floor(block / 256)}.${(sequence % 250) + 4}`;
}
