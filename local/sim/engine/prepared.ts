import { Refusal } from './refusals.ts';
import type { CreateInput, PreparedKind } from './requests.ts';
import type { Target } from './world.ts';

/** Lists what every account has prepared. It is the same at each location. */
export function listPrepared({ cloud }: Target, kind: PreparedKind): { items: object[] } {
  switch (kind) {
    case 'encryption-keys':
      return { items: cloud.encryptionKeys };
    case 'identities':
      return { items: cloud.identities.map((id) => ({ id })) };
    case 'placement-groups':
      return { items: cloud.placementGroups.map((id) => ({ id })) };
  }
}

/** Refuses an identity or a placement group that the cloud does not have. @throws Refusal InvalidParameter */
export function checkPrepared({ cloud, site }: Target, { identity, placementGroup }: CreateInput): void {
  const { location } = site.key;
  const refuse = (field: string, what: string, id: string) =>
    new Refusal('InvalidParameter', `${field}: ${location} has no ${what} ${id}`);
  if (identity !== undefined && !cloud.identities.includes(identity))
    throw refuse('identity', 'identity', identity);
  if (placementGroup !== undefined && !cloud.placementGroups.includes(placementGroup))
    throw refuse('placementGroup', 'placement group', placementGroup);
}

/** Returns why a disk cannot be encrypted with a key; undefined if it can. */
export function whyUnusable({ cloud }: Pick<Target, 'cloud'>, keyId: string): string | undefined {
  const key = cloud.encryptionKeys.find(({ id }) => id === keyId);
  if (!key) return `the account may not use the key ${keyId}`;
  return key.state === 'enabled' ? undefined : `the key ${keyId} is ${key.state}`;
}
