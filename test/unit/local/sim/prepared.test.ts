import { describe, expect, test } from 'vitest';
import { LOCATION, VirtualClouds } from './virtual-clouds.ts';

const CONFIG = {
  clouds: {
    aws: {
      identities: ['web'],
      placementGroups: ['near'],
      encryptionKeys: ['k1', { id: 'k2', state: 'disabled' }],
    },
  },
};

describe('what a user has prepared at a simulated cloud', () => {
  test('is listed at each location, with the state of each key', () => {
    const clouds = new VirtualClouds(CONFIG);
    const listed = (kind: 'encryption-keys' | 'identities' | 'placement-groups') =>
      clouds.call({ call: 'listPrepared', location: LOCATION, kind }).body.items;
    expect(listed('identities')).toEqual([{ id: 'web' }]);
    expect(listed('placement-groups')).toEqual([{ id: 'near' }]);
    expect(listed('encryption-keys')).toEqual([
      { id: 'k1', state: 'enabled' },
      { id: 'k2', state: 'disabled' },
    ]);
  });

  test('is what a create may name, and nothing else', () => {
    const clouds = new VirtualClouds(CONFIG);
    const right = { identity: 'web', placementGroup: 'near', rootDisk: { encryptionKeyId: 'k1' } };
    expect(clouds.create(LOCATION, right).status).toBe(201);
    const messageOf = (over: Parameters<VirtualClouds['create']>[1]) => {
      const { status, body } = clouds.create(LOCATION, over);
      return `${status} ${body['message']}`;
    };
    expect(messageOf({ identity: 'db' })).toBe('400 identity: us-east-1 has no identity db');
    expect(messageOf({ placementGroup: 'far' })).toBe(
      '400 placementGroup: us-east-1 has no placement group far',
    );
    expect(messageOf({ rootDisk: { encryptionKeyId: 'k2' } })).toBe(
      '400 rootDisk/encryptionKeyId: the key k2 is disabled',
    );
    expect(messageOf({ dataDisks: [{ sizeGb: 1, encryptionKeyId: 'k3' }] })).toBe(
      '400 dataDisks/0/encryptionKeyId: the account may not use the key k3',
    );
    clouds.wait(60);
    expect(clouds.list()).toHaveLength(1);
  });
});
