import { describe, expect, test } from 'vitest';
import { allowedAddressesSchema } from '../../../../functions/drivers/contract/outgoing-address.ts';
import { bodyText } from '../../../../functions/entrypoints/api/body-text.ts';
import { routes } from '../../../../functions/entrypoints/api/contract.ts';
import { decodeCursor, encodeCursor } from '../../../../functions/entrypoints/api/cursor.ts';
import { parseRequest } from '../../../../functions/entrypoints/api/parse.ts';
import { Problem } from '../../../../functions/entrypoints/api/problem.ts';
import { jsonErrors, MAX_DEPTH } from '../../../../functions/entrypoints/api/scan-json.ts';
import { connectionErrors } from '../../../../functions/features/connections/check-request.ts';
import { credentialSchema, MAX_SECRET_BYTES } from '../../../../functions/model/connection.ts';
import { limitOverrideSchema } from '../../../../functions/model/limit-profile.ts';
import { eventOf } from './event.ts';

const errorsIn = (text: string) => jsonErrors(text).map(({ pointer, code }) => `${pointer} ${code}`);

describe('a JSON document', () => {
  test.each([
    ['{"a":{"b":[1,{"c":2}]},"d":"x\\ty\\n"}', []],
    ['{"labels":{"__proto__":"x"}}', ['/labels/__proto__ invalid-key']],
    [
      '{"labels":{"constructor":"x","toString":"y"}}',
      ['/labels/constructor invalid-key', '/labels/toString invalid-key'],
    ],
    ['{"a":1,"b":{"a":2},"a":3}', ['/a duplicate-key']],
    ['{"a":[1,[2,1e-131]]}', ['/a/1/1 out-of-range']],
    ['[1e126,-1e400,1e-400,0e-999,0.0]', ['/0 out-of-range', '/1 out-of-range', '/2 out-of-range']],
    [`{"n":0.${'1'.repeat(39)}}`, ['/n too-precise']],
    ['{"n":9007199254740992,"m":-1000000000000000000000,"k":1e30}', []],
    ['{"n":9007199254740993}', ['/n too-precise']],
    [`{"n":${'9'.repeat(38)}}`, ['/n too-precise']],
    ['{"n":-0,"m":[-0.0],"k":-0e5,"p":[0,-1]}', ['/n out-of-range', '/m/0 out-of-range', '/k out-of-range']],
    ['{"text":"half \\ud83d"}', ['/text invalid-text']],
    ['{"text":"\\ude00 half"}', ['/text invalid-text']],
    ['{"text":"whole \\ud83d\\ude00"}', []],
    ['{"text":"nul \\u0000"}', ['/text invalid-text']],
    ['{"text":"escape \\u001b[31m"}', ['/text invalid-text']],
    ['{"te\\u0000xt":1}', ['/te\0xt invalid-key']],
    ['{"a/b~c":{"d":"\\u0007"}}', ['/a~1b~0c/d invalid-text']],
    ['"\\u0000"', [' invalid-text']],
  ])('the document %s has the errors %j', (text, errors) => {
    expect(errorsIn(text)).toEqual(errors);
  });

  test('a document with more than 32 levels has one error, at the 33rd level', () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(errorsIn(nested)).toEqual([`${'/0'.repeat(MAX_DEPTH)} too-deep`]);
    expect(errorsIn(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)).toEqual([
      `${'/a'.repeat(MAX_DEPTH)} too-deep`,
    ]);
  });

  test('at most a thousand errors of a document are returned', () => {
    expect(errorsIn(`[${Array(5_000).fill('1e-200').join(',')}]`)).toHaveLength(1_000);
  });
});

describe('a body', () => {
  const read = (headers: Record<string, string>, bytes: Uint8Array) =>
    bodyText({
      headers: { 'content-type': 'application/json', ...headers },
      body: Buffer.from(bytes).toString('base64'),
      isBase64Encoded: true,
    });
  const codeOf = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (error instanceof Problem) return error.code;
      throw error;
    }
    return 'none';
  };

  test('a body that is not UTF-8 is malformed, and a byte order mark is ignored', () => {
    for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x22, 0xe9, 0x22]]) {
      expect(codeOf(() => read({}, Uint8Array.from(bytes)))).toBe('malformed-json');
    }
    expect(read({}, Buffer.from('\ufeff{"a":"é"}'))).toBe('{"a":"é"}');
  });

  test.each([
    ['application/json; charset=utf-8', 'none'],
    ['application/json;charset="UTF-8"', 'none'],
    ['application/json; charset=iso-8859-1', 'unsupported-media-type'],
    ['application/json; charset=utf-16', 'unsupported-media-type'],
    ['application/json, text/plain', 'unsupported-media-type'],
    ['', 'unsupported-media-type'],
  ])('a body of type %j gets the error %s', (type, code) => {
    expect(codeOf(() => read({ 'content-type': type }, Buffer.from('{}')))).toBe(code);
  });

  test('a compressed body is refused', () => {
    expect(codeOf(() => read({ 'content-encoding': 'gzip' }, Buffer.from('{}')))).toBe(
      'unsupported-media-type',
    );
  });
});

test('a cursor that the API did not issue is refused', () => {
  const given = encodeCursor('web-global') ?? '';
  expect(decodeCursor(given, /^[a-z-]+$/)).toBe('web-global');
  const forged = [
    '!!',
    `${given}=`,
    `${given.slice(0, -1)}B`,
    encodeCursor('a b') ?? '',
    encodeCursor('é') ?? '',
  ];
  for (const cursor of forged)
    expect(() => decodeCursor(cursor, /^[a-z-]+$/)).toThrow('the cursor is not valid');
});

test.each([
  { calls: { create: { perSecond: 1e-130, burst: 1 } } },
  { calls: { list: { perSecond: 1e-9, burst: 1 } } },
  { totals: { memoryGb: 1e-100 } },
])('the limit %j is refused because its value is too small', (limits) => {
  expect(limitOverrideSchema.safeParse(limits).success).toBe(false);
});

test('a credential that is too large for the secret store is refused', () => {
  const fits = { key: 'k'.repeat(MAX_SECRET_BYTES - '{"key":""}'.length) };
  expect(credentialSchema.safeParse(fits).success).toBe(true);
  const issues = credentialSchema.safeParse({ ...fits, more: 'x' }).error?.issues;
  expect(issues).toMatchObject([{ path: [], params: { code: 'too-big' } }]);
  expect(credentialSchema.safeParse({ key: 'é'.repeat(MAX_SECRET_BYTES / 2) }).success).toBe(false);
});

test.each([
  ['https://cloud.example:5000/v3', undefined],
  ['https://cloud.example/', undefined],
  ['https://user:secret@cloud.example', 'invalid-format'],
  ['https://user@cloud.example', 'invalid-format'],
  ['https://cloud.example/v3?region=1', 'invalid-format'],
  ['https://cloud.example/v3?', 'invalid-format'],
  ['https://cloud.example/v3#top', 'invalid-format'],
  ['https://cloud.example/a/../../b', 'invalid-format'],
  ['https://cloud.example\\@other.example', 'invalid-format'],
  ['https://Cloud.Example', 'invalid-format'],
  ['https://cloud.example:443', 'invalid-format'],
  ['https://2130706433/v3', 'endpoint-forbidden'],
  ['https://10.1.2.3/v3', 'endpoint-forbidden'],
  ['https://[::1]:5000/v3', 'endpoint-forbidden'],
  ['https://10.20.0.1/v3', undefined],
  ['https://2852039166/latest', 'endpoint-forbidden'],
  ['https://169.254.169.254', 'endpoint-forbidden'],
  ['https://[::ffff:a9fe:a9fe]', 'endpoint-forbidden'],
  ['https://[64:ff9b::a9fe:a9fe]', 'endpoint-forbidden'],
  ['https://[2002:a9fe:a9fe::1]', 'endpoint-forbidden'],
])('the endpoint %j gets the error %s', (endpoint, code) => {
  const allowedAddresses = allowedAddressesSchema.parse('10.20.0.0/16');
  const rules = { drivers: ['openstack' as const], allowEndpointOverride: true, allowedAddresses };
  const errors = connectionErrors({ driver: 'openstack', cloud: 'openstack', endpoint }, rules);
  const ofEndpoint = errors.filter(({ pointer }) => pointer === '/endpoint');
  expect(ofEndpoint.map((error) => error.code)).toEqual(code === undefined ? [] : [code]);
  for (const { message } of ofEndpoint) expect(message).not.toContain('secret');
});

test('the error about a body that is not JSON does not repeat the body', () => {
  const route = routes.find(({ operationId }) => operationId === 'createConnection');
  if (!route) throw new Error('the API has no operation createConnection');
  for (const body of ['{"credential":{"apiKey":"sk-secret"},}', '{"apiKey":"sk-secret"', 'sk-secret']) {
    const event = eventOf({ headers: { 'content-type': 'application/json' }, body });
    expect(() => parseRequest(route, { namespace: 'default' }, event)).toThrow(
      /^(?!.*secret)the body is not valid JSON/,
    );
  }
});
