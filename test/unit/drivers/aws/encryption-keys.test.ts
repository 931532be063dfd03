import { afterEach, describe, expect, test } from 'vitest';
import { namingKeys } from '../../../../functions/drivers/aws/naming-keys.ts';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import type { GivenMachine, MachineFault } from '../../../../functions/drivers/contract/machine-checks.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const json = (status: number, body: object): Canned => ({
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/x-amz-json-1.1' },
});
/** What KMS says of a key. By default, EBS can use the key. */
const keyWith = (over: object = {}) =>
  json(200, {
    KeyMetadata: {
      KeyId: '1234abcd-12ab-34cd-56ef-1234567890ab',
      Arn: KEY_ARN,
      Enabled: true,
      KeyState: 'Enabled',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyManager: 'CUSTOMER',
      ...over,
    },
  });
const refused = (code: string, status = 400) => json(status, { __type: code, message: `${code} it is` });

type Keys = NonNullable<GivenMachine['encryptionKeys']>;

async function faultsOf(
  encryptionKeys: Keys,
  answer: Canned,
  answers: Record<string, Canned> = {},
  others: Partial<GivenMachine> = {},
): Promise<MachineFault[]> {
  ec2 = await cannedEc2((call) => {
    const action = call.get('Action') ?? '';
    return action === 'DescribeKey' ? answer : (answers[action] ?? page(action));
  });
  const client = connect(ec2.url);
  if (!has(client, 'machine-checks')) throw new TypeError('driver aws checks no machines');
  return await client.verifyMachine('us-east-1', { instanceTypes: ['m5.large'], ...others, encryptionKeys });
}

const ROOT = 'rootDisk/encryptionKeyId';
const keysAsked = () =>
  (ec2?.calls ?? [])
    .filter((call) => call.get('Action') === 'DescribeKey')
    .map((call) => call.get('json') ?? '');

describe('a check of an encryption key', () => {
  test('finds nothing wrong with a key that EBS can use, and reads a key of several disks once', async () => {
    const keys: Keys = [
      { field: ROOT, id: 'alias/fleets' },
      { field: 'dataDisks/1/encryptionKeyId', id: 'alias/fleets' },
    ];
    expect(await faultsOf(keys, keyWith())).toEqual([]);
    expect(keysAsked()).toEqual(['{"KeyId":"alias/fleets"}']);
  });

  test('makes no call for machines without a key', async () => {
    expect(await faultsOf([], keyWith())).toEqual([]);
    expect(keysAsked()).toEqual([]);
  });

  test.each([
    ['is disabled', { KeyState: 'Disabled' }, 'Disabled'],
    ['is to be deleted', { KeyState: 'PendingDeletion' }, 'PendingDeletion'],
    ['signs', { KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256' }, 'SIGN_VERIFY'],
    ['is a pair of keys', { KeySpec: 'RSA_2048' }, 'RSA_2048'],
  ])('names each disk whose key %s', async (_, over, word) => {
    const keys: Keys = [
      { field: ROOT, id: 'alias/fleets' },
      { field: 'dataDisks/0/encryptionKeyId', id: 'alias/fleets' },
    ];
    const faults = await faultsOf(keys, keyWith(over));
    expect(faults.map(({ field, code }) => `${field} ${code}`)).toEqual([
      `${ROOT} not-usable`,
      'dataDisks/0/encryptionKeyId not-usable',
    ]);
    expect(faults[0]?.message).toContain('alias/fleets');
    expect(faults[0]?.message).toContain(word);
  });

  test('accepts the key of EBS itself, and no other key that AWS manages', async () => {
    const managed = keyWith({ KeyManager: 'AWS' });
    expect(await faultsOf([{ field: ROOT, id: 'alias/aws/ebs' }], managed)).toEqual([]);
    await ec2?.close();
    expect(await faultsOf([{ field: ROOT, id: 'alias/aws/s3' }], managed)).toMatchObject([
      { field: ROOT, code: 'not-usable' },
    ]);
  });

  test.each(['NotFoundException', 'InvalidArnException', 'ValidationException'])(
    'names a key that KMS does not have (%s)',
    async (code) => {
      expect(await faultsOf([{ field: ROOT, id: 'alias/fleets' }], refused(code))).toMatchObject([
        { field: ROOT, code: 'unknown-encryption-key', message: expect.stringContaining('alias/fleets') },
      ]);
    },
  );

  test('names a key of another region without a call', async () => {
    const id = KEY_ARN.replace('us-east-1', 'eu-west-1');
    expect(await faultsOf([{ field: ROOT, id }], keyWith())).toMatchObject([
      { field: ROOT, code: 'other-location', message: expect.stringContaining('eu-west-1') },
    ]);
    expect(keysAsked()).toEqual([]);
    await ec2?.close();
    expect(await faultsOf([{ field: ROOT, id: KEY_ARN }], keyWith())).toEqual([]);
  });

  test('names a key that the credential may not read, and what to allow', async () => {
    const denied = refused('AccessDeniedException');
    expect(await faultsOf([{ field: ROOT, id: 'alias/fleets' }], denied)).toMatchObject([
      {
        field: ROOT,
        code: 'denied-encryption-key',
        message: expect.stringMatching(/kms:DescribeKey.*docs\/drivers\/aws\.md/s),
      },
    ]);
  });

  test('fails if KMS does not answer, so that the caller asks again', async () => {
    await expect(
      faultsOf([{ field: ROOT, id: 'alias/fleets' }], refused('KMSInternalException', 500)),
    ).rejects.toMatchObject({ code: 'Unavailable' });
    await ec2?.close();
    await expect(
      faultsOf([{ field: ROOT, id: 'alias/fleets' }], refused('ThrottlingException')),
    ).rejects.toMatchObject({ code: 'Throttled' });
  });

  test('names a wrong key also if the account may not read placement groups or images', async () => {
    const denied = refusal(403, 'UnauthorizedOperation', 'not authorized');
    const answers = { DescribePlacementGroups: denied, DescribeImages: denied };
    const keys: Keys = [{ field: ROOT, id: 'alias/fleets' }];
    const others = { imageId: 'ami-0123456789abcdef0', placementGroup: 'near' };
    const faults = await faultsOf(keys, refused('NotFoundException'), answers, others);
    expect(faults).toMatchObject([{ field: ROOT, code: 'unknown-encryption-key' }]);
  });
});

describe('a launch that EC2 refuses', () => {
  const run = (code: string, message: string) =>
    namingKeys(
      {
        rootDisk: { encryptionKeyId: 'alias/fleets' },
        dataDisks: [{ sizeGb: 1, deleteOnTermination: true, encryptionKeyId: KEY_ARN }],
      },
      () => Promise.reject(new DriverError('InvalidRequest', message, { cloudCode: code })),
    );

  test('names the keys of the disks if the refusal is about a key', async () => {
    await expect(run('CustomerKeyHasBeenRevoked', 'a key was revoked')).rejects.toThrow(
      `a key was revoked (the disks of the machine are encrypted with alias/fleets, ${KEY_ARN})`,
    );
    await expect(run('InvalidParameterValue', `no KMS key ${KEY_ARN}`)).rejects.toThrow(
      /encrypted with alias\/fleets\)$/,
    );
  });

  test('says nothing of keys if the refusal is about something else', async () => {
    await expect(run('InvalidAMIID.NotFound', 'no image')).rejects.toThrow(/^no image$/);
  });
});
