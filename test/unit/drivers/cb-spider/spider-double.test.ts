import { expect, test } from 'vitest';
import { Description } from '../../../contract/servers/spider-double/description.ts';
import { routesOf } from '../../../contract/servers/spider-double/routes.ts';
import { World } from '../../../contract/servers/spider-double/world.ts';

const description = new Description();
const query = (text = '') => new URLSearchParams(text);

test("the double of CB-Spider serves exactly the operations of CB-Spider's published description", () => {
  const routes = routesOf(new World(), { prepareMs: 0, startMs: 0, terminateMs: 0 });
  expect(routes.map(({ pattern }) => pattern).sort()).toEqual([...description.patterns].sort());
});

test('the check against the published description reports nothing for a request that follows the description', () => {
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
  ['an unknown operation', 'GET vms', '', undefined],
  ['a missing parameter', 'GET vmstatus', '', undefined],
  ['an unknown parameter', 'GET vmstatus', 'ConnectionName=c&page=2', undefined],
  ['a body for an operation that has none', 'GET vmstatus', 'ConnectionName=c', { ConnectionName: 'c' }],
  ['a missing body', 'DELETE vm/*', '', undefined],
  ['a missing field', 'DELETE vm/*', '', {}],
  ['an unknown field', 'DELETE vm/*', '', { ConnectionName: 'c', Zone: 'z' }],
  ['a number instead of a string', 'POST keypair', '', { ConnectionName: 'c', ReqInfo: { Name: 7 } }],
  [
    'an object instead of a list',
    'POST credential',
    '',
    { CredentialName: 'c', ProviderName: 'p', KeyValueInfoList: {} },
  ],
])('the check against the published description reports %s', (_, pattern, text, body) => {
  expect(description.faultsOf(pattern, query(text), body)).not.toEqual([]);
});
