import { expect, test } from 'vitest';
import { credentialError } from '../../../../functions/drivers/contract/credentials.ts';
import type { CredentialField } from '../../../../functions/drivers/contract/metadata.ts';
import { REGISTERED_DRIVERS } from '../../../../functions/drivers/registry.ts';
import { credentialErrors } from '../../../../functions/features/connections/check-request.ts';
import type { Cloud } from '../../../../functions/model/cloud.ts';

const field = (name: string, more: Partial<CredentialField> = {}): CredentialField => ({
  name,
  description: `the ${name}`,
  secret: false,
  required: true,
  ...more,
});
const driver = {
  credentialFields: [
    field('role', { alternative: 'role', pattern: 'arn:.+' }),
    field('externalId', { alternative: 'role', required: false }),
    field('keyId', { alternative: 'keys' }),
    field('key', { alternative: 'keys', secret: true }),
    field('region'),
  ],
};
const wrong = (credential: Record<string, string>) =>
  credentialErrors(driver, credential, undefined).map(({ pointer, code }) => `${pointer} ${code}`);

test.each<[string, Record<string, string>, string[]]>([
  ['one alternative', { role: 'arn:x', region: 'r' }, []],
  ['one alternative and its optional field', { role: 'arn:x', externalId: 'e', region: 'r' }, []],
  ['the other alternative', { keyId: 'k', key: 's', region: 'r' }, []],
  ['half of an alternative', { keyId: 'k', region: 'r' }, ['/credential/key missing']],
  ['only an optional field', { externalId: 'e', region: 'r' }, ['/credential/role missing']],
  [
    'both alternatives',
    { role: 'arn:x', key: 's', region: 'r' },
    ['/credential/role contradictory', '/credential/key contradictory'],
  ],
  ['no alternative', { region: 'r' }, ['/credential missing']],
  ['no field', {}, ['/credential missing', '/credential/region missing']],
  ['an unknown field', { role: 'arn:x', region: 'r', rôle: 'y' }, ['/credential/rôle unrecognized-key']],
  ['a malformed value', { role: 'x', region: 'r' }, ['/credential/role invalid-format']],
])('a credential with %s, %j, gets the errors %j', (_what, credential, errors) => {
  expect(wrong(credential)).toEqual(errors);
  expect(credentialError(driver, credential)?.code).toBe(errors.length > 0 ? 'InvalidRequest' : undefined);
});

test("an error about a credential contains none of the credential's values", () => {
  const credential = { role: 'hunter2', key: 'hunter2', hunter3: 'hunter2' };
  expect(JSON.stringify(credentialErrors(driver, credential, undefined))).not.toContain('hunter2');
  expect(String(credentialError(driver, credential))).not.toContain('hunter2');
});

test('a field that only some clouds require is reported as missing for those clouds only', () => {
  const fields = [field('user'), field('tenant', { required: false, requiredBy: ['azure', 'nhn'] })];
  const missing = (cloud: Cloud | undefined) =>
    credentialErrors({ credentialFields: fields }, { user: 'u' }, cloud).map(({ pointer }) => pointer);
  expect([missing('nhn'), missing('aws'), missing(undefined)]).toEqual([['/credential/tenant'], [], []]);
});

test.each(REGISTERED_DRIVERS.map((metadata) => [metadata.name, metadata] as const))(
  'the credential fields of driver %s accept each alternative, and refuse two alternatives together',
  (_name, metadata) => {
    // The patterns are left out, so that each field accepts any value.
    const credentialFields = metadata.credentialFields.map(
      ({ name, description, secret, required, alternative }: CredentialField): CredentialField => ({
        name,
        description,
        secret,
        required,
        ...(alternative === undefined ? {} : { alternative }),
      }),
    );
    const alternatives = [...new Set(credentialFields.map(({ alternative }) => alternative))];
    const ways = alternatives.filter((one) => one !== undefined);
    const common = credentialFields.filter((one) => one.alternative === undefined && one.required);
    const named = (way: string | undefined) =>
      credentialFields.filter((one) => one.alternative === way && one.required);
    const codes = (fields: readonly CredentialField[]) =>
      credentialErrors(
        { credentialFields },
        Object.fromEntries(fields.map(({ name }) => [name, 'x'])),
        undefined,
      ).map(({ code }) => code);
    for (const way of ways.length > 0 ? ways : [undefined])
      expect(codes([...common, ...(way === undefined ? [] : named(way))])).toEqual([]);
    if (ways.length > 1) expect(codes([...common, ...ways.flatMap(named)])).toContain('contradictory');
    if (common.length > 0) expect(codes([])).toContain('missing');
  },
);
