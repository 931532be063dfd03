import fc from 'fast-check';
import { volumeName } from '../../../../../functions/features/volumes/volume-view.ts';
import { KEPT_VOLUME } from './api.ts';
import { resolved, type Schema } from './schema.ts';

/** JSON text that is sent unchanged, for values that `JSON.stringify` would write differently, such as `1e400`. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Values to draw for a field, by field name. With these values, the API accepts many of the drawn requests. */
export const KNOWN = new Map<string, readonly unknown[]>(
  Object.entries({
    namespace: ['default', 'default', 'default', 'empty'],
    connection: ['sim-aws', 'sim-aws', 'sim-aws', 'sim-gcp'],
    driver: ['sim'],
    cloud: ['aws'],
    credential: [{ account: 'acc' }],
    endpoint: ['http://127.0.0.1:9', 'https://cloud.example:5000/v3'],
    location: ['us-east-1', 'us-west-2'],
    locations: [['us-east-1'], ['us-east-1', 'us-west-2']],
    zone: [undefined],
    instanceType: ['m6i.large'],
    image: ['ubuntu-24.04'],
    fleet: ['web-global'],
    allowFrom: ['203.0.113.0/24', '10.0.0.0/8'],
    expiresAt: ['2999-01-01T00:00:00Z'],
    size: [1, 3],
    volume: [volumeName(KEPT_VOLUME)],
    target: ['empty'],
    since: ['2026-01-01T00:00:00Z'],
    until: ['2999-01-01T00:00:00Z'],
    minimumInstances: [undefined, 1],
    name: ['constructor', 'prototype'],
    limits: [
      {},
      { calls: { list: { perSecond: 0.5, burst: 1 } } },
      { concurrentLocations: 2, totals: { memoryGb: 0.5 } },
    ],
  }),
);

const FLEET = { connection: 'sim-aws', instanceType: 'm6i.large', image: 'ubuntu-24.04' };
const LABELS = { team: 'search', 'a.b/c-d_e': 'é\u2028' };

const FLEETS = [
  {
    name: 'web',
    labels: LABELS,
    nodeGroups: [
      { ...FLEET, name: 'web', size: 2, locations: ['us-east-1'], labels: LABELS, userData: '#!/bin/sh\n' },
      {
        ...FLEET,
        name: 'open',
        size: 1,
        locations: ['us-east-1'],
        ingress: [{ protocol: 'tcp', ports: [22, '8000-8200'], from: ['0.0.0.0/0', 'group:web'] }],
      },
    ],
  },
];

/** Bodies that an operation accepts, by operation id. Random bodies rarely satisfy all rules of an operation. */
export const EXAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  createNamespace: [{ name: 'another', description: 'two\nlines \ud83d\ude00' }],
  createApiKey: [{ name: 'key', expiresAt: '2999-01-01T00:00:00Z' }],
  createBinding: [{ kind: 'aws', name: 'arn:aws:iam::123456789012:user/eve', role: 'viewer' }],
  createConnection: [
    {
      name: 'new',
      driver: 'sim',
      cloud: 'aws',
      credential: { account: 'acc' },
      endpoint: 'http://127.0.0.1:9',
    },
  ],
  rotateCredential: [{ credential: { account: 'other' } }],
  setLimits: [
    {},
    { calls: { list: { perSecond: 0.5, burst: 1 } } },
    { concurrentLocations: 2, totals: { memoryGb: 0.5 }, createsPerDay: 100, minimumSpacingMs: 100 },
  ],
  setConnectionNetwork: [
    { mode: 'dedicated' },
    {
      mode: 'existing',
      existing: { 'us-east-1': { networkId: 'n', subnetIds: { a: 's' }, securityGroupIds: ['g'] } },
    },
  ],
  setOrphanPolicy: [{}, { action: 'report', graceSeconds: 60 }],
  createFleet: FLEETS,
  validateFleet: FLEETS,
  createInstance: [{ ...FLEET, name: 'one', location: 'us-east-1', labels: LABELS }],
  actOnFleet: [{ action: 'hold' }, { action: 'abort' }],
};

const RAW = [
  '1e-130',
  '1e-131',
  '-1e-200',
  '1e126',
  '1e400',
  '-1e400',
  '1e-400',
  '0.1000000000000000055511151231257827021181583404541015625',
  '123456789012345678901234567890123456789',
  '-0',
  `${'['.repeat(200)}${']'.repeat(200)}`,
  '{"a":1,"a":2}',
].map((text) => new Raw(text));

/** Strings that are not valid Unicode, are too long, or have a special meaning to a program, such as `__proto__`. */
export const strange: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '\ud800',
    'a\udc00b',
    'a\0b',
    '\u001b[31m',
    '\u0085',
    '',
    ' ',
    '__proto__',
    'constructor',
    'toString',
  ),
  fc.constantFrom('x'.repeat(300), 'é'.repeat(5_000), '../..', '\u202edlrow'),
  fc.string({ unit: 'binary', maxLength: 30 }),
);

const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  '',
  'a\0b',
  '\ud800',
  'unknown',
];

/** Draws a value that fits a schema. The value may break a rule that concerns several fields. */
export function anyJson(node: unknown, name = ''): fc.Arbitrary<unknown> {
  const schema = resolved(node);
  const known = KNOWN.get(name);
  const fitting = byType(schema);
  return known
    ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fitting })
    : fitting;
}

function byType(schema: Schema): fc.Arbitrary<unknown> {
  const { anyOf, oneOf } = schema;
  const several = anyOf ?? oneOf;
  if (several) return fc.oneof(...several.map((one) => anyJson(one)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return anyText(schema);
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? -1_000,
        max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1),
      });
    case 'number':
      return fc.double({
        min: schema.minimum ?? schema.exclusiveMinimum ?? 0,
        max: schema.maximum ?? 1e6,
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(anyJson(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case 'object':
      return anyObject(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function anyText({ pattern, format, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') return fc.constant('2999-01-01T00:00:00Z');
  if (format === 'cidrv4') return fc.constant('203.0.113.0/24');
  if (format === 'cidrv6') return fc.constant('2001:db8::/32');
  if (format === 'uri') return fc.constant('https://cloud.example');
  if (pattern === undefined || pattern.includes('\\P'))
    return fc.string({ maxLength: Math.min(maxLength, 60) });
  return fc.stringMatching(new RegExp(pattern));
}

function anyObject({
  properties = {},
  required,
  propertyNames,
  additionalProperties,
}: Schema): fc.Arbitrary<object> {
  const fields = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, anyJson(one, name)])),
    { requiredKeys: required },
  );
  if (propertyNames === undefined) return fields;
  const names = anyJson(propertyNames).map(String);
  return fc.dictionary(names, anyJson(additionalProperties ?? {}), { maxKeys: 3 });
}

/** Draws a value from `json`, and puts one bad value or one bad field into the value. */
export function poisoned(json: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const poison = fc.oneof(
    fc.constantFrom<unknown>(...RAW),
    strange,
    fc.constantFrom<unknown>(null, true, -1, 0, 1e21, 1.5, [], {}, [null]),
  );
  return fc
    .tuple(json, fc.nat(), fc.boolean(), fc.constantFrom(...KEYS), poison)
    .map(([value, at, isField, key, bad]) =>
      withPoison(value, at, (found) => (isField && isObject(found) ? withField(found, key, bad) : bad)),
    );
}

/**
 * Applies `change` to one value: to `value` itself or to a value that is nested in `value`.
 *
 * @param at index of the value to change, modulo the number of values
 */
function withPoison(value: unknown, at: number, change: (value: unknown) => unknown): unknown {
  const target = at % countOf(value);
  let seen = -1;
  const walk = (one: unknown): unknown => {
    seen += 1;
    if (seen === target) {
      seen += countOf(one) - 1;
      return change(one);
    }
    if (Array.isArray(one)) return one.map(walk);
    if (!isObject(one)) return one;
    return Object.fromEntries(Object.entries(one).map(([name, member]) => [name, walk(member)]));
  };
  return walk(value);
}

function countOf(value: unknown): number {
  const members = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return members.reduce<number>((sum, member) => sum + countOf(member), 1);
}

function withField(value: Record<string, unknown>, name: string, member: unknown): Record<string, unknown> {
  return Object.fromEntries([...Object.entries(value), [name, member]]);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Raw);

/** Returns a value as JSON text. Unlike `JSON.stringify`, writes the text of a `Raw` unchanged. */
export function serialized(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(serialized).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${fields.map(([name, member]) => `${JSON.stringify(name)}:${serialized(member)}`).join(',')}}`;
}
