import { describe, expect, it } from 'vitest';
import { limitOverrideSchema } from '../../../functions/model/limit-profile.ts';
import { REQUEST_MORE } from '../../../functions/model/limit-tiers.ts';
import { limitProfileOf } from '../../../functions/model/limits-in-force.ts';
import { CAUTIOUS_PROFILES, GRANTED_PROFILES } from '../../../functions/model/peer-limits.ts';
import { cli } from './world.ts';

const CONNECTIONS = '/v1/namespaces/default/connections';
const SECRET = 'hunter2-very-secret';
const CREATE = ['connection', 'create', 'sim-aws', '--driver', 'sim', '--cloud', 'aws'];

function connection(more: Record<string, unknown> = {}) {
  return {
    namespace: 'default',
    name: 'sim-aws',
    id: 'c0123456789abcdef',
    driver: 'sim',
    cloud: 'aws',
    status: 'Verifying',
    createdAt: '2026-01-01T00:00:00.000Z',
    limitProfile: CAUTIOUS_PROFILES.aws,
    ...more,
  };
}
const answers = { [`POST ${CONNECTIONS}`]: { status: 201, body: connection() } };

describe('the credential of connection create', () => {
  it.each([
    ['a file', ['--credential-file', 'c.json'], { files: { 'c.json': `{"apiKey":"${SECRET}"}` } }],
    ['standard input', ['--credential-file', '-'], { stdin: `{"apiKey":"${SECRET}"}` }],
    ['the environment', ['--credential', 'apiKey=env:SIM_KEY'], { env: { SIM_KEY: SECRET } }],
  ])('a credential from %s is sent to the API and never printed', async (_, flags, setting) => {
    const { exitCode, stdout, stderr, asked } = await cli([...CREATE, ...flags], { ...setting, answers });
    expect(exitCode).toBe(0);
    expect(asked[0]?.body).toMatchObject({ name: 'sim-aws', credential: { apiKey: SECRET } });
    expect(stdout + stderr).not.toContain(SECRET);
  });

  it.each([
    ['in clear text', ['--credential', `apiKey=${SECRET}`], {}],
    ['without a field name', ['--credential', SECRET], {}],
    ['in a file that is not JSON', ['--credential-file', 'c.json'], { files: { 'c.json': SECRET } }],
    [
      'in a file whose JSON has another structure',
      ['--credential-file', 'c.json'],
      { files: { 'c.json': `["${SECRET}"]` } },
    ],
    [
      'under an invalid field name',
      ['--credential-file', 'c.json'],
      { files: { 'c.json': `{"${SECRET}":"x"}` } },
    ],
    ['given as the path of the file', ['--credential-file', SECRET], {}],
    ['that names an unset variable', ['--credential', 'apiKey=env:NO_SUCH'], { env: { OTHER: SECRET } }],
  ])('a credential %s is refused before any request, and no secret is printed', async (_, flags, setting) => {
    for (const json of [[], ['--json']]) {
      const { exitCode, stdout, stderr, asked } = await cli([...CREATE, ...flags, ...json], {
        ...setting,
        answers,
      });
      expect(exitCode).toBe(2);
      expect(asked).toEqual([]);
      expect(stdout + stderr).not.toContain(SECRET);
    }
  });
});

it('`connection create` sends a valid limits file, and refuses an invalid one before any request', async () => {
  const flags = ['--credential', 'apiKey=env:K', '--limits-file', 'l.yaml'];
  const env = { K: 'k' };
  const good = { 'l.yaml': 'concurrentLocations: 4\n' };
  const { asked } = await cli([...CREATE, ...flags], { env, files: good, answers });
  expect(asked[0]?.body).toMatchObject({ limits: { concurrentLocations: 4 } });
  const bad = await cli([...CREATE, ...flags], {
    env,
    files: { 'l.yaml': 'calls:\n  create: {perSecond: 0, burst: 1}\n' },
    answers,
  });
  expect([bad.exitCode, bad.asked]).toEqual([2, []]);
  expect(bad.stderr).toContain('l.yaml:2:12  /calls/create/perSecond');
  const contradictory = await cli([...CREATE, ...flags], {
    env,
    files: { 'l.yaml': 'createsPerMinute: 10\ncreatesPerDay: 9\n' },
    answers,
  });
  expect([contradictory.exitCode, contradictory.asked]).toEqual([2, []]);
  expect(contradictory.stderr).toContain(
    'l.yaml:2:1  /createsPerDay: must be at least createsPerMinute, which is 10',
  );
});

describe('connection create --wait', () => {
  const create = [...CREATE, '--credential', 'apiKey=env:K', '--wait', '--json'];
  const seen = (...states: Record<string, unknown>[]) => {
    let at = 0;
    return {
      env: { K: 'k' },
      answers: {
        ...answers,
        [`GET ${CONNECTIONS}/sim-aws`]: () => ({
          body: connection(states[Math.min(at++, states.length - 1)]),
        }),
      },
    };
  };

  it('`connection create --wait` ends when the connection is Ready and its inventory has been read', async () => {
    const { exitCode, stdout, asked } = await cli(
      create,
      seen({}, { status: 'Ready' }, { status: 'Ready', inventorySyncedAt: '2026-01-01T00:00:09.000Z' }),
    );
    expect([exitCode, JSON.parse(stdout).status, asked.length]).toEqual([0, 'Ready', 4]);
  });

  it('`connection create --wait` exits with 1 if the credential is refused', async () => {
    const failure = { code: 'Unauthorized', message: 'no such key' };
    const { exitCode, stdout } = await cli(create, seen({ status: 'Failed', failure }));
    expect([exitCode, JSON.parse(stdout).failure]).toEqual([1, failure]);
  });
});

describe('an existing connection', () => {
  const at = `${CONNECTIONS}/sim-aws`;
  const ask = (args: string[], method: string, path: string, setting: object = {}) =>
    cli(['connection', ...args], {
      answers: { [`${method} ${at}/${path}`]: { body: connection({ status: 'Ready' }) } },
      ...setting,
    });

  it('`rotate-credential` sends the new credential and does not print it', async () => {
    const { exitCode, stdout, stderr, asked } = await ask(
      ['rotate-credential', 'sim-aws', '--credential', 'apiKey=env:SIM_KEY'],
      'PUT',
      'credential',
      { env: { SIM_KEY: SECRET } },
    );
    expect([exitCode, asked[0]?.body]).toEqual([0, { credential: { apiKey: SECRET } }]);
    expect(stdout + stderr).not.toContain(SECRET);
  });

  it('`rotate-credential --wait` exits with 0 when the new credential is in force, and with 1 if the new credential is refused', async () => {
    const requestedAt = '2026-01-01T00:00:09.000Z';
    const verifying = { version: 2, status: 'Verifying', requestedAt };
    const failure = { code: 'Unauthorized', message: 'no such key' };
    const wait = async (end: Record<string, unknown>) => {
      const states = [
        { status: 'Ready', rotation: verifying },
        { status: 'Ready', ...end },
      ];
      let reads = 0;
      return await cli(['connection', 'rotate-credential', 'sim-aws', '--credential', 'k=env:K', '--wait'], {
        env: { K: 'k' },
        answers: {
          [`PUT ${at}/credential`]: { status: 202, body: connection(states[0]) },
          [`GET ${at}`]: () => ({ body: connection(states[Math.min(reads++, 1)]) }),
        },
      });
    };
    expect((await wait({ credentialVersion: 2 })).exitCode).toBe(0);
    const refused = await wait({ rotation: { ...verifying, status: 'Failed', failure } });
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain('the earlier credential stays in force: Unauthorized: no such key');
  });

  it.each([['disable'], ['enable']])(
    '`connection %s` sends exactly one POST to the path of that name',
    async (verb) => {
      const { exitCode, asked } = await ask([verb, 'sim-aws'], 'POST', verb);
      expect([exitCode, asked.length]).toEqual([0, 1]);
    },
  );

  it('`set-limits` sends a valid limits file, and refuses an invalid one before any request', async () => {
    const args = ['set-limits', 'sim-aws', '--limits-file', 'l.yaml'];
    const files = { 'l.yaml': 'concurrentLocations: 4\n' };
    expect((await ask(args, 'PUT', 'limits', { files })).asked[0]?.body).toEqual({ concurrentLocations: 4 });
    const bad = await ask(args, 'PUT', 'limits', { files: { 'l.yaml': 'concurrentLocations: 0\n' } });
    expect([bad.exitCode, bad.asked]).toEqual([2, []]);
  });

  it('`set-network` sends the networks of a file or a mode, and needs exactly one of them', async () => {
    const existing = { 'us-east-1': { networkId: 'vpc-1', securityGroupIds: ['sg-1'] } };
    const files = {
      'n.yaml': JSON.stringify({ mode: 'existing', existing }),
      'bad.yaml': 'mode: existing\n',
    };
    const set = async (...flags: string[]) =>
      await ask(['set-network', 'sim-aws', ...flags], 'PUT', 'network', { files });
    expect((await set('--network-file', 'n.yaml')).asked[0]?.body).toEqual({ mode: 'existing', existing });
    expect((await set('--mode', 'dedicated')).asked[0]?.body).toEqual({ mode: 'dedicated' });
    for (const flags of [
      [],
      ['--mode', 'dedicated', '--network-file', 'n.yaml'],
      ['--network-file', 'bad.yaml'],
    ])
      expect([(await set(...flags)).exitCode, (await set(...flags)).asked]).toEqual([2, []]);
  });

  it('`set-network --wait` ends when the networks are in force, or shows what is wrong with them', async () => {
    const network = {
      mode: 'existing',
      existing: { 'us-east-1': { networkId: 'vpc-1', securityGroupIds: ['sg-1'] } },
    };
    const change = { id: 'c1', network, status: 'Verifying', requestedAt: '2026-01-01T00:00:00.000Z' };
    const wait = async (end: object) => {
      let reads = 0;
      const states = [{ networkChange: change }, end];
      return await cli(['connection', 'set-network', 'sim-aws', '--network-file', 'n.yaml', '--wait'], {
        files: { 'n.yaml': JSON.stringify(network) },
        answers: {
          [`PUT ${at}/network`]: { status: 202, body: connection({ status: 'Ready', ...states[0] }) },
          [`GET ${at}`]: () => ({ body: connection({ status: 'Ready', ...states[Math.min(reads++, 1)] }) }),
        },
      });
    };
    const done = await wait({ network });
    expect([done.exitCode, done.stdout.includes('existing: vpc-1 at us-east-1')]).toEqual([0, true]);
    const errors = [
      { pointer: '/existing/us-east-1/networkId', code: 'unknown-network', message: 'no VPC vpc-1' },
    ];
    const refused = await wait({ networkChange: { ...change, status: 'Failed', errors } });
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain('/existing/us-east-1/networkId: no VPC vpc-1');
  });

  it('`connection get` shows the limits in force and the names of the overridden limits', async () => {
    const limits = { concurrentLocations: 3, calls: { create: { perSecond: 1, burst: 2 } } };
    const limitProfile = { ...CAUTIOUS_PROFILES.aws, concurrentLocations: 3 };
    const { stdout } = await cli(['connection', 'get', 'sim-aws'], {
      answers: { [`GET ${at}`]: { body: connection({ limits, limitProfile }) } },
    });
    expect(stdout).toContain(
      'at most 3 locations at a time, with at most 20 instances being created at each; calls at each location: create 5/s (burst 20)',
    );
    expect(stdout).toContain('concurrentLocations, calls.create');
  });

  it('`connection get` shows pacing, budgets and total limits if the connection has them', async () => {
    const limits = limitOverrideSchema.parse({
      tier: 'power',
      pacing: 'even',
      createsPerMinute: 10,
      createsPerDay: 50,
      minimumSpacingMs: 6_000,
      totals: { gpus: 8 },
    });
    const body = connection({
      limits,
      limitProfile: limitProfileOf({ driver: 'sim', cloud: 'aws' }, limits),
    });
    const { stdout } = await cli(['connection', 'get', 'sim-aws'], { answers: { [`GET ${at}`]: { body } } });
    expect(stdout).toContain('create 0.1667/s (burst 1), list 40/s (burst 40), mutate 40/s (burst 200)');
    expect(stdout).toContain(
      '; create calls: evenly spaced, at most 10 a minute, at most 50 a day, at least 6000 ms apart; at most 8 gpus in total',
    );
    expect(stdout).toContain('tier, pacing, createsPerMinute, createsPerDay, minimumSpacingMs, totals.gpus');
  });

  it('`connection limits` compares the limits with the cautious, default and power profiles, says where the figures come from, and prints where a user can request higher limits', async () => {
    const override = { concurrentLocations: 3, totals: { instances: 40 } };
    const body = {
      cloud: 'aws',
      tier: 'default',
      profile: limitProfileOf({ driver: 'sim', cloud: 'aws' }, override),
      override,
      cautious: CAUTIOUS_PROFILES.aws,
      defaults: CAUTIOUS_PROFILES.aws,
      sources: [{ limits: 'calls.create', source: 'a table', date: '2026-11-29', isEstimate: true }],
      power: GRANTED_PROFILES.aws,
      requestMore: REQUEST_MORE.aws,
      governor: { locationsInUse: { taken: 0, of: 3 }, budgets: [], locations: [], locationsLeftOut: 0 },
      quotas: [],
      quotaLocationsLeftOut: 0,
    };
    const answers = { [`GET ${at}/limits`]: { body } };
    const { exitCode, stdout } = await cli(['connection', 'limits', 'sim-aws'], { answers });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/locations in use at the same time +3 +30 +30 +30\n/);
    expect(stdout).toMatch(/instances in total +40 +- +- +-\n/);
    expect(stdout).toMatch(
      /create calls per location +5\/s \(burst 20\) +5\/s \(burst 20\) +5\/s \(burst 20\) +20\/s \(burst 100\)\n/,
    );
    expect(stdout).toMatch(/Locations in use +0 of 3\n$/);
    expect(stdout).toMatch(/Overridden +concurrentLocations, totals.instances\n/);
    expect(stdout).toContain(REQUEST_MORE.aws.url);
    expect(stdout).toContain('  calls.create\n    estimate: a table (read on 2026-11-29)\n');
    const json = await cli(['connection', 'limits', 'sim-aws', '--json'], { answers });
    expect(JSON.parse(json.stdout)).toEqual(body);
  });

  it('`connection words` prints how often each text was seen that the driver does not understand', async () => {
    const item = {
      shape: 'house #',
      call: 'spider:POST /vm',
      code: 'OutcomeUnknown',
      count: 12,
      firstSeenAt: '2026-01-01T12:00:00.000Z',
      lastSeenAt: '2026-01-01T12:01:00.000Z',
      example: `house 1 ${'x'.repeat(200)}`,
    };
    const answers = { [`GET ${at}/words`]: { body: { items: [item] } } };
    const { exitCode, stdout } = await cli(['connection', 'words', 'sim-aws'], { answers });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/12 +2026-01-01T12:01:00.000Z +spider:POST \/vm +OutcomeUnknown +house 1 x+…\n/);
    expect(stdout).toContain('docs/operations/unknown-words.md');
    const json = await cli(['connection', 'words', 'sim-aws', '--json'], { answers });
    expect(JSON.parse(json.stdout)).toEqual({ items: [item] });
    const none = await cli(['connection', 'words', 'sim-aws'], {
      answers: { [`GET ${at}/words`]: { body: { items: [] } } },
    });
    expect(none.stdout).toContain('has understood every answer');
  });

  it('`connection get` shows the locations whose inventory could not be read', async () => {
    const { stdout } = await cli(['connection', 'get', 'sim-aws'], {
      answers: {
        [`GET ${at}`]: {
          body: connection({
            status: 'Ready',
            inventoryFailures: [{ location: 'us-east-1', code: 'Unavailable', message: 'not now' }],
          }),
        },
      },
    });
    expect(stdout).toContain('us-east-1: Unavailable: not now');
  });
});
