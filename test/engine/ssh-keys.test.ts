import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { forgetSshKey, keepSshKey } from '../../functions/platform/secrets/ssh-keys.ts';

const ssm = new SSMClient({});
const PREFIX = '/ssh-keys-test';
const FLEET = 'f-ssh-keys';

async function read(name: string): Promise<string | undefined> {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  return Parameter?.Value;
}

it('each of two Assign steps of a fleet keeps a private key, and `forgetSshKey` deletes both keys', async () => {
  const [one, other] = [
    await keepSshKey(ssm, PREFIX, FLEET, 'private one'),
    await keepSshKey(ssm, PREFIX, FLEET, 'private other'),
  ];
  expect([await read(one), await read(other)]).toEqual(['private one', 'private other']);
  await forgetSshKey(ssm, PREFIX, FLEET);
  for (const name of [one, other]) await expect(read(name)).rejects.toThrow(ParameterNotFound);
  await forgetSshKey(ssm, PREFIX, FLEET);
});
