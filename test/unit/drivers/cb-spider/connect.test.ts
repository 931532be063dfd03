import { expect, test } from 'vitest';
import { CREDENTIAL_KEYS, cbSpiderMetadata } from '../../../../functions/drivers/cb-spider/metadata.ts';
import type { ConnectOptions } from '../../../../functions/drivers/contract/driver.ts';
import { openGate } from '../../../calls/gates.ts';
import { cbSpiderDriver } from '../../../samples/drivers.ts';

const SERVER = { username: 'spider', password: 'password-of-spider' };
const OPTIONS: ConnectOptions = {
  cloud: 'ncp',
  credential: { ...SERVER, ClientId: 'id-of-ncp', ClientSecret: 'secret-of-ncp' },
  endpoint: 'https://spider.example',
  deploymentId: 'unit',
  connectionKey: 'default/ncp',
  calls: openGate,
};
const connect = (over: Partial<ConnectOptions> = {}) => cbSpiderDriver.connect({ ...OPTIONS, ...over });
const refused = (words: string) =>
  expect.objectContaining({ code: 'InvalidRequest', message: expect.stringContaining(words) });

test('a credential without a field that its cloud needs is refused, with no secret value in the error', () => {
  expect(() => connect()).not.toThrow();
  expect(() => connect({ cloud: 'ibm' })).toThrow(
    refused('the credential for cloud ibm lacks the fields ApiKey'),
  );
  expect(() => connect({ credential: { ...SERVER, ClientId: 'id-of-ncp' } })).toThrow(
    refused('ClientSecret'),
  );
  expect(() => connect({ credential: { ClientId: 'a', ClientSecret: 'b' } })).toThrow(refused('username'));
  expect(() => connect({ cloud: 'ibm' })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('secret-of-ncp') }),
  );
});

test('the driver refuses to connect without a server address or without the name of the connection', () => {
  const { endpoint: _endpoint, ...nowhere } = OPTIONS;
  expect(() => cbSpiderDriver.connect(nowhere)).toThrow(refused('endpoint'));
  expect(() => connect({ endpoint: 'ftp://spider.example' })).toThrow(refused('http'));
  const { connectionKey: _connectionKey, ...nameless } = OPTIONS;
  expect(() => cbSpiderDriver.connect(nameless)).toThrow(refused('needs the name of the connection'));
});

test('the credential fields of driver cb-spider include all keys that each of its clouds needs', () => {
  const fields: readonly string[] = cbSpiderMetadata.credentialFields.map(({ name }) => name);
  for (const cloud of cbSpiderMetadata.clouds) {
    expect(CREDENTIAL_KEYS[cloud].length).toBeGreaterThan(0);
    expect(fields).toEqual(expect.arrayContaining([...CREDENTIAL_KEYS[cloud]]));
  }
});
