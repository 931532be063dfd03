import { describe, expect, it } from 'vitest';
import { type OperationId, routes } from '../../../../functions/entrypoints/api/contract.ts';
import { parseRequest } from '../../../../functions/entrypoints/api/parse.ts';
import { type FieldError, Problem } from '../../../../functions/entrypoints/api/problem.ts';
import type { Route } from '../../../../functions/entrypoints/api/routes/route.ts';
import { MAX_REQUEST_BYTES } from '../../../../functions/model/fleet-request.ts';
import { eventOf, type Request } from './event.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const site = { namespace: 'default' };

function routeOf(operationId: OperationId): Route {
  const route = routes.find((one) => one.operationId === operationId);
  if (!route) throw new Error(`no operation ${operationId}`);
  return route;
}

const parse = (operationId: OperationId, params: Record<string, string>, request: Request) =>
  parseRequest(routeOf(operationId), params, eventOf(request));

function errorsOf(operationId: OperationId, params: Record<string, string>, request: Request): string[] {
  const parsed = parse(operationId, params, request);
  const errors: FieldError[] = 'errors' in parsed ? parsed.errors : [];
  return errors.map(({ pointer, code }) => `${pointer} ${code}`);
}

function codeOf(request: Request): string {
  try {
    parse('createNamespace', {}, request);
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'none';
}

describe('a body', () => {
  const body = JSON.stringify({ name: 'default' });
  it.each([
    ['application/json', 'none'],
    ['Application/JSON; charset=utf-8', 'none'],
    ['application/json-patch+json', 'unsupported-media-type'],
    ['text/plain', 'unsupported-media-type'],
    ['application/x-www-form-urlencoded', 'unsupported-media-type'],
  ])('a body of type %s gets the error %s', (type, code) => {
    expect(codeOf({ headers: { 'content-type': type }, body })).toBe(code);
  });

  it('a body with the maximum number of UTF-8 bytes is accepted, and a body with one byte more is refused', () => {
    const filled = (length: number) => JSON.stringify({ name: 'default', description: 'é'.repeat(length) });
    const rest = MAX_REQUEST_BYTES - Buffer.byteLength(filled(0));
    const full = `${filled(Math.floor(rest / 2))}${' '.repeat(rest % 2)}`;
    expect(Buffer.byteLength(full)).toBe(MAX_REQUEST_BYTES);
    expect(codeOf({ headers: JSON_TYPE, body: full })).toBe('none');
    expect(codeOf({ headers: JSON_TYPE, body: `${full} ` })).toBe('body-too-large');
  });

  it('a body that API Gateway sends in base64 is decoded', () => {
    const packed = { headers: JSON_TYPE, body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
    expect(parse('createNamespace', {}, packed)).toMatchObject({ body: { name: 'default' } });
  });

  it.each(['', '{', '{"name": "a"', 'name: default', "{'name': 1}"])('the body %j is malformed', (text) => {
    expect(codeOf({ headers: JSON_TYPE, body: text })).toBe('malformed-json');
  });

  it('the body of a request is ignored if the operation takes no body', () => {
    expect(
      parse('getNamespace', site, { body: '{', headers: { 'content-type': 'text/plain' } }),
    ).toMatchObject({ params: site, body: undefined });
  });
});

it('parseRequest returns the errors of path, query, body and header together', () => {
  const request = {
    headers: { ...JSON_TYPE, 'idempotency-key': 'two words' },
    query: { dryRun: 'true' },
    body: JSON.stringify({ name: 'web', nodeGroups: [], 'a/b~c': 1 }),
  };
  expect(errorsOf('createFleet', { namespace: 'NO' }, request)).toEqual([
    '{namespace} invalid-format',
    '?dryRun unrecognized-key',
    '/nodeGroups too-small',
    '/a~1b~0c unrecognized-key',
    'Idempotency-Key invalid-format',
  ]);
});

describe('the rules for a fleet request', () => {
  const group = {
    name: 'one',
    size: 10,
    connection: 'sim-aws',
    locations: ['us-east-1'],
    instanceType: 'm6i.large',
    image: 'ubuntu-24.04',
  };
  const errors = (fleet: Record<string, unknown>, ...groups: Record<string, unknown>[]) =>
    errorsOf('createFleet', site, {
      headers: JSON_TYPE,
      body: JSON.stringify({
        name: 'web',
        ...fleet,
        nodeGroups: groups.map((one) => ({ ...group, ...one })),
      }),
    });

  it.each<[string, Record<string, unknown>, Record<string, unknown>[], string[]]>([
    ['a fleet whose minimum equals its size is accepted', { minimumInstances: 10 }, [{}], []],
    ['a fleet of 10,000 instances is accepted', {}, [{ size: 5_000 }, { name: 'two', size: 5_000 }], []],
    [
      'a fleet of 10,001 instances in two groups is refused',
      {},
      [{ size: 5_000 }, { name: 'two', size: 5_001 }],
      ['/nodeGroups too-big'],
    ],
    ['a group with the name of an earlier group is refused', {}, [{}, {}], ['/nodeGroups/1/name duplicate']],
    [
      'a minimum above the size of the fleet is refused',
      { minimumInstances: 11 },
      [{}],
      ['/minimumInstances too-big'],
    ],
    [
      'a group’s minimum above its size is refused',
      {},
      [{ minimumInstances: 11 }],
      ['/nodeGroups/0/minimumInstances too-big'],
    ],
    [
      'a group with two locations may not have a zone',
      {},
      [{ zone: 'us-east-1a', locations: ['us-east-1', 'us-west-2'] }],
      ['/nodeGroups/0/zone zone-needs-one-location'],
    ],
    ['a group without a location is refused', {}, [{ locations: [] }], ['/nodeGroups/0/locations too-small']],
    [
      'a size that is not a whole number is refused',
      {},
      [{ size: 1.5 }],
      ['/nodeGroups/0/size invalid-type'],
    ],
    [
      'a fleet at more sites than the limit is refused',
      {},
      [0, 1, 2].map((at) => ({
        name: `group-${at}`,
        locations: Array.from({ length: 100 }, (_, index) => `place-${at}-${index}`),
      })),
      ['/nodeGroups too-big'],
    ],
    [
      'user data of more than 16 KB is refused',
      {},
      [{ userData: 'é'.repeat(8_193) }],
      ['/nodeGroups/0/userData too-big'],
    ],
    [
      'an SSH source that is a word instead of an address range is refused',
      {},
      [{ ssh: { allowFrom: 'all' } }],
      ['/nodeGroups/0/ssh/allowFrom invalid-format'],
    ],
    [
      'inbound traffic to a port that does not exist, from a host without a prefix, or without ports is refused',
      {},
      [
        {
          ingress: [
            { protocol: 'tcp', ports: [443, 70_000], from: ['10.0.0.0/8', '10.0.0.1'] },
            { protocol: 'udp', from: ['group:web'] },
          ],
        },
      ],
      [
        '/nodeGroups/0/ingress/0/ports/1 too-big',
        '/nodeGroups/0/ingress/0/from/1 invalid-format',
        '/nodeGroups/0/ingress/1/ports missing',
      ],
    ],
    [
      'an unknown failure policy is refused',
      { failurePolicy: 'pray' },
      [{}],
      ['/failurePolicy invalid-value'],
    ],
  ])('%s', (_what, fleet, groups, expected) => {
    expect(errors(fleet, ...groups)).toEqual(expected);
  });
});
