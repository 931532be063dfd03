import type { ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { DEPLOYMENT_TAG } from '../contract/driver.ts';

/** Tag with the id of the VPC that a launch template or an internet gateway was made for. */
export const NETWORK_TAG = 'fleetwright:network';
/** Tag with the launch token of a machine, or with the first launch tokens of its batch (`launch-list.ts`). */
export const TOKEN_TAG = 'fleetwright:launch-token';
/** Tags with the launch tokens of a batch, in order. */
export const TOKEN_TAGS = [TOKEN_TAG, 'fleetwright:launch-token-2'] as const;
export const NAME_TAG = 'Name';

type Tags = Readonly<Record<string, string>>;

export function tagList(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/**
 * Returns tags for the call that makes a resource. EC2 makes the resource with these tags, so that the resource never
 * exists without them.
 */
export function tagsFor(types: readonly ResourceType[], tags: Tags): TagSpecification[] {
  return types.map((ResourceType) => ({ ResourceType, Tags: tagList(tags) }));
}

export function tagValue(tags: readonly Tag[] | undefined, key: string): string | undefined {
  return tags?.find(({ Key }) => Key === key)?.Value;
}

/** Returns the values of the tags with launch tokens, in order. */
export const tokenValues = (tags: readonly Tag[] | undefined): string[] =>
  TOKEN_TAGS.flatMap((key) => tagValue(tags, key) ?? []);

export function isOf(deploymentId: string, { Tags }: { Tags?: readonly Tag[] | undefined }): boolean {
  return tagValue(Tags, DEPLOYMENT_TAG) === deploymentId;
}

export function filter(Name: string, ...Values: string[]): { Name: string; Values: string[] } {
  return { Name, Values };
}

export function tagFilter(key: string, ...values: string[]): { Name: string; Values: string[] } {
  return filter(`tag:${key}`, ...values);
}
