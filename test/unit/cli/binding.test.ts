import { describe, expect, it } from 'vitest';
import { cli } from './world.ts';

const BINDING = {
  id: '0123456789abcdef01234567-01234567',
  kind: 'group',
  name: 'ops',
  issuer: 'https://login.example.com',
  role: 'operator',
  namespaces: ['web'],
  createdAt: '2026-01-01T00:00:00.000Z',
  createdBy: { kind: 'key', name: '0123456789ab' },
};

describe('fleetwright binding', () => {
  it('create gives a role to the group of --group, in the namespaces of --namespace', async () => {
    const { exitCode, stdout, asked } = await cli(
      [
        'binding',
        'create',
        '--group',
        'ops',
        '--role',
        'operator',
        '--namespace',
        'web',
        '--namespace',
        'api',
      ],
      { answers: { 'POST /v1/bindings': { status: 201, body: BINDING } } },
    );
    expect([exitCode, asked.map(({ body }) => body)]).toEqual([
      0,
      [{ kind: 'group', name: 'ops', role: 'operator', namespaces: ['web', 'api'] }],
    ]);
    expect(stdout).toContain(BINDING.id);
  });

  it.each([[[]], [['--user', 'ada', '--group', 'ops']]])(
    'create with the subjects %j is wrong use, and sends no request',
    async (flags) => {
      const { exitCode, stderr, asked } = await cli(['binding', 'create', '--role', 'viewer', ...flags]);
      expect([exitCode, asked]).toEqual([2, []]);
      expect(stderr).toContain('--user SUBJECT, --group NAME and --aws ARN');
    },
  );

  it('list, get and delete name the binding by its id', async () => {
    const path = `/v1/bindings/${BINDING.id}`;
    const answers = {
      'GET /v1/bindings': { body: { items: [BINDING], cursor: null } },
      [`GET ${path}`]: { body: BINDING },
      [`DELETE ${path}`]: { status: 204 },
    };
    expect((await cli(['binding', 'list'], { answers })).stdout).toContain('ops');
    expect((await cli(['binding', 'get', BINDING.id], { answers })).stdout).toContain('login.example.com');
    expect((await cli(['binding', 'delete', BINDING.id], { answers })).exitCode).toBe(0);
    expect((await cli(['binding', 'delete', 'x'], { answers })).exitCode).toBe(2);
  });
});

it('a token is sent instead of the API key: that of --token, else of FLEETWRIGHT_TOKEN', async () => {
  const answers = { 'GET /v1/bindings': { body: { items: [], cursor: null } } };
  const env = { FLEETWRIGHT_TOKEN: 'a.b.c' };
  const sent = async (...flags: string[]) =>
    (await cli(['binding', 'list', ...flags], { env, answers })).asked[0]?.headers.get('authorization');
  expect(await sent()).toBe('Bearer a.b.c');
  expect(await sent('--api-key', 'fw_flag')).toBe('Bearer fw_flag');
  expect(await sent('--api-key', 'fw_flag', '--token', 'd.e.f')).toBe('Bearer d.e.f');
});
