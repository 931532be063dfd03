import { expect, test } from 'vitest';
import { Description } from '../../../contract/servers/spider-double/description.ts';
import { routesOf } from '../../../contract/servers/spider-double/routes.ts';
import { World } from '../../../contract/servers/spider-double/world.ts';

const description = new Description();
const query = (text = '') => new URLSearchParams(text);

test('the double serves what the published description has, and nothing else', () => {
  const routes = routesOf(new World(), { prepareMs: 0, startMs: 0, terminateMs: 0 });
  expect(routes.map(({ pattern }) => pattern).sort()).toEqual([...description.patterns].sort());
});

test('a request as published has no faults', () => {
  const vm = { Name: 'm', ImageType: 'PublicImage', ImageName: 'i', VMSpecName: 's', VPCName: 'v' };
  const ReqInfo = {
    ...vm,
    SubnetName: 'n',
    SecurityGroupNames: ['g'],
    KeyPairName: 'k',
    TagList: [{ Key: 't' }],
  };
  expect(description.faultsOf('POST vm', query(), { ConnectionName: 'c', ReqInfo })).toEqual([]);
  expect(description.faultsOf('GET vmstatus/*', query('ConnectionName=c'), undefined)).toEqual([]);
  expect(description.faultsOf('PUT controlvm/*', query('action=suspend'), { ConnectionName: 'c' })).toEqual(
    [],
  );
});

test.each([
  ['an operation that there is not', 'GET vms', '', undefined],
  ['a parameter that is missing', 'GET vmstatus', '', undefined],
  ['a parameter that is not known', 'GET vmstatus', 'ConnectionName=c&page=2', undefined],
  ['a body where there is none', 'GET vmstatus', 'ConnectionName=c', { ConnectionName: 'c' }],
  ['a body that is missing', 'DELETE vm/*', '', undefined],
  ['a field that is missing', 'DELETE vm/*', '', {}],
  ['a field that is not known', 'DELETE vm/*', '', { ConnectionName: 'c', Zone: 'z' }],
  ['a number where a string is due', 'POST keypair', '', { ConnectionName: 'c', ReqInfo: { Name: 7 } }],
  [
    'a list that is none',
    'POST credential',
    '',
    { CredentialName: 'c', ProviderName: 'p', KeyValueInfoList: {} },
  ],
])('%s is a fault', (_, pattern, text, body) => {
  expect(description.faultsOf(pattern, query(text), body)).not.toEqual([]);
});
