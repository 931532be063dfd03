import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { makeProgram } from '../../../cli/program.ts';
import { CliError, EXIT } from '../../../cli/shell/exit.ts';
import { ALL_RIGHTS } from '../../../functions/model/access.ts';
import { cli, FLEETS, fleet } from './world.ts';

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

describe('the help of commands', () => {
  const all = leaves(makeProgram(async () => undefined));
  const pathOf = (command: Command): string[] =>
    command.parent ? [...pathOf(command.parent), command.name()] : [];

  it.each(all.map((command) => [pathOf(command).join(' ')]))(
    'the help of `%s` has an example of that command',
    async (path) => {
      const { exitCode, stdout } = await cli([...path.split(' '), '--help']);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/Examples?:/);
      expect(stdout).toContain(`  fleetwright ${path}`);
      expect(stdout).toContain('--json');
    },
  );

  it('each noun of the command line has the commands `create`, `list`, `get` and `delete`', () => {
    const paths = all.map((command) => pathOf(command).join(' '));
    for (const noun of ['namespace', 'connection', 'fleet', 'instance', 'api-key']) {
      for (const verb of ['create', 'list', 'get', 'delete']) expect(paths).toContain(`${noun} ${verb}`);
    }
  });
});

describe('an invalid command line', () => {
  it.each([
    [['fleet']],
    [['fleet', 'lst']],
    [['fleet', 'get']],
    [['fleet', 'get', 'Not A Name']],
    [['fleet', 'list', '--limit', 'many']],
    [['fleet', 'list', '--nonsense']],
    [['fleet', 'instances', 'web-global', '--status', 'running']],
    [['location', 'list']],
    [['api-key', 'create', 'ci-key', '--direct']],
    [['namespace', 'list', '--namespace', 'NO', '--api-url', 'ftp://x']],
  ])(
    'the invalid command line %j exits with 2, and prints one JSON error with the next step',
    async (args) => {
      const { exitCode, stdout, stderr, asked } = await cli([...args, '--json']);
      expect(exitCode).toBe(2);
      const { error } = JSON.parse(stdout);
      expect(error.message).not.toBe('');
      expect(error.next).not.toBe('');
      expect(stderr).toContain(error.next);
      expect(asked).toEqual([]);
      expect((await cli(args)).stdout).toBe('');
    },
  );
});

describe('error answers of the API', () => {
  it.each([
    [400, 2],
    [401, 2],
    [404, 2],
    [409, 2],
    [422, 2],
    [429, 3],
    [500, 3],
    [503, 3],
  ])('if the API answers with status %i, a command exits with %i', async (status, expected) => {
    const body = { title: 't', code: 'some-code', detail: 'in words', requestId: 'r-7', errors: [] };
    const { exitCode, stdout, stderr } = await cli(['fleet', 'get', 'web-global', '--json'], {
      answers: { [`GET ${FLEETS}/web-global`]: { status, body } },
    });
    expect(exitCode).toBe(expected);
    expect(stderr).toContain('error: in words');
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'some-code', status, requestId: 'r-7' });
  });

  it('a command exits with 3 if the API does not answer', async () => {
    const { exitCode, stderr } = await cli(['fleet', 'list']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('fleetwright local up');
  });

  it('a command exits with 3 if the answer does not come from a Fleetwright API', async () => {
    const { exitCode, stderr } = await cli(['fleet', 'list'], {
      answers: { [`GET ${FLEETS}`]: { body: 'hello' } },
    });
    expect([exitCode, stderr.includes('Check that --api-url is the URL of a Fleetwright API')]).toEqual([
      3,
      true,
    ]);
  });
});

describe('list commands', () => {
  const pages = {
    [`GET ${FLEETS}`]: ({ path }: { path: string }) => ({
      body: path.includes('cursor=more')
        ? { items: [fleet('Running', { Running: 4 })], cursor: null }
        : { items: [fleet('Creating')], cursor: 'more' },
    }),
  };

  it('a list command reads all pages', async () => {
    const { stdout, asked } = await cli(['fleet', 'list', '--json'], { answers: pages });
    expect(JSON.parse(stdout)).toMatchObject({
      items: [{ status: 'Creating' }, { status: 'Running' }],
      cursor: null,
    });
    expect(asked.map(({ path }) => path)).toEqual([`${FLEETS}?limit=50`, `${FLEETS}?limit=50&cursor=more`]);
  });

  it('a list command stops at `--limit`, and prints the cursor for the rest of the list', async () => {
    const { stdout, stderr } = await cli(['fleet', 'list', '--limit', '1', '--json'], { answers: pages });
    expect(JSON.parse(stdout).cursor).toBe('more');
    expect(stderr).toContain('--cursor more');
    const next = await cli(['fleet', 'list', '--cursor', 'more'], { answers: pages });
    expect(next.stdout).toMatch(/^NAME {8}ID +STATUS +ASKED/);
    expect(next.stdout).toMatch(/web-global {2}f0123456789abcdef {2}Running +4/);
  });

  it('a list command sends its filters and its namespace', async () => {
    const { asked } = await cli(
      ['instance-type', 'list', '--connection', 'sim-aws', '--no-gpu', '--min-vcpus', '8', '--limit', '5'],
      {
        answers: {
          'GET /v1/namespaces/team/connections/sim-aws/instance-types': { body: { items: [], cursor: null } },
        },
        env: { FLEETWRIGHT_NAMESPACE: 'team' },
      },
    );
    expect(asked[0]?.path).toBe(
      '/v1/namespaces/team/connections/sim-aws/instance-types?gpu=false&minVcpus=8&limit=5',
    );
  });
});

describe('the address and key of the API', () => {
  const answers = { [`GET ${FLEETS}`]: { body: { items: [], cursor: null } } };
  const unset = { FLEETWRIGHT_API_URL: '', FLEETWRIGHT_API_KEY: '' };
  const context = JSON.stringify({
    apiUrl: 'http://127.0.0.1:4566/x',
    apiKey: 'fw_local',
    namespace: 'default',
    simUrl: 'http://127.0.0.1:4599',
  });

  it('a command uses the local stack if neither flags nor variables name an API', async () => {
    const { asked } = await cli(['fleet', 'list'], {
      env: { ...unset, FLEETWRIGHT_HOME: '/home/fw' },
      files: { '/home/fw/context.json': context },
      answers: { [`GET /x${FLEETS}`]: { body: { items: [], cursor: null } } },
    });
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer fw_local');
  });

  it('the flag `--api-key` takes precedence over FLEETWRIGHT_API_KEY', async () => {
    const { asked } = await cli(['--api-key', 'fw_flag', 'fleet', 'list'], { answers });
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer fw_flag');
  });

  it.each([
    ['a line break', 'fw_a1b2\nc3d4'],
    ['a letter that is not ASCII', 'fw_a1b2\u0441c3d4'],
    ['a blank', 'Bearer fw_a1b2c3d4'],
  ])('an API key with %s is refused before any request, and no part of it is printed', async (_, key) => {
    for (const json of [[], ['--json']]) {
      const { exitCode, stdout, stderr, asked } = await cli(['fleet', 'list', ...json], {
        env: { FLEETWRIGHT_API_KEY: key },
      });
      expect([exitCode, asked]).toEqual([2, []]);
      expect(stdout + stderr).not.toMatch(/a1b2|c3d4/);
    }
  });

  it('an API URL with a password, or that is no URL, is refused, and no part of it is printed', async () => {
    for (const url of ['https://me:s3cret@api.test', 's3cret@api.test']) {
      const { exitCode, stderr, asked } = await cli(['fleet', 'list', '--api-url', url]);
      expect([exitCode, asked]).toEqual([2, []]);
      expect(stderr).not.toContain('s3cret');
    }
  });

  it('bidirectional and control characters of labels and of failures of clouds are shown as escape sequences', async () => {
    const failure = { code: 'AuthFailed', count: 1, example: 'no\u001b[2J\u2066' } as const;
    const item = { ...fleet('Running'), labels: { team: '\u202eytaerc' }, failures: [failure] };
    const { stdout, stderr } = await cli(['fleet', 'get', 'web'], {
      answers: { [`GET ${FLEETS}/web`]: { body: item } },
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('\\u202eytaerc');
    expect(stdout).toContain('no\\u001b[2J\\u2066');
  });

  it('a command with `--api-url` and without a key does not send the key of the local stack', async () => {
    const { exitCode, asked } = await cli(['fleet', 'list', '--api-url', 'https://elsewhere.test'], {
      env: { ...unset, FLEETWRIGHT_HOME: '/home/fw' },
      files: { '/home/fw/context.json': context },
    });
    expect([exitCode, asked]).toEqual([2, []]);
  });
});

describe('api-key create --direct', () => {
  const made = {
    id: '0123456789ab',
    name: 'admin',
    ...ALL_RIGHTS,
    createdAt: '2026-01-01T00:00:00.000Z',
    key: 'fw_0123456789ab_x',
  };

  it('`api-key create --direct` writes to the named table, and prints the key only on stdout', async () => {
    const given: unknown[] = [];
    const { exitCode, stdout, stderr, asked } = await cli(
      ['api-key', 'create', 'admin', '--direct', '--access-table', 'fw-access', '--json'],
      {
        env: { FLEETWRIGHT_API_URL: '', FLEETWRIGHT_API_KEY: '' },
        world: {
          issueKeyDirectly: async (...request) => {
            given.push(...request);
            return made;
          },
        },
      },
    );
    expect([exitCode, JSON.parse(stdout), asked]).toEqual([0, made, []]);
    expect(given).toEqual(['fw-access', { name: 'admin' }]);
    expect(stderr).not.toContain(made.key);
  });
});

describe('api-key create', () => {
  const made = {
    id: '0123456789ab',
    name: 'robot',
    role: 'operator',
    namespaces: ['team-a', 'team-b'],
    createdAt: '2026-01-01T00:00:00.000Z',
    key: 'fw_0123456789ab_x',
  };
  const answers = { 'POST /v1/api-keys': { status: 201, body: made } };

  it('`key create` sends the role, and each namespace that `--namespace` gives', async () => {
    const flags = ['--role', 'operator', '--namespace', 'team-a', '--namespace', 'team-b'];
    const { exitCode, asked, stdout } = await cli(['key', 'create', 'robot', ...flags], { answers });
    expect([exitCode, asked.map(({ body }) => body)]).toEqual([
      0,
      [{ name: 'robot', role: 'operator', namespaces: ['team-a', 'team-b'] }],
    ]);
    expect(stdout).toMatch(/Role +operator\s+Namespaces +team-a, team-b/);
  });

  it('`key create` sends the caps', async () => {
    const flags = ['--max-usd-per-hour', '1.5', '--max-removals-per-day', '0'];
    const { asked } = await cli(['key', 'create', 'robot', ...flags], { answers });
    expect(asked.map(({ body }) => body)).toEqual([
      { name: 'robot', caps: { maxTotalUsdPerHour: 1.5, maxRemovalsPerDay: 0 } },
    ]);
  });

  it('`key create` without `--namespace` sends no namespaces, also if the environment names one', async () => {
    const { asked } = await cli(['key', 'create', 'robot'], {
      answers,
      env: { FLEETWRIGHT_NAMESPACE: 'team-a' },
    });
    expect(asked.map(({ body }) => body)).toEqual([{ name: 'robot' }]);
  });

  it.each([
    [['key', 'create', 'robot', '--role', 'king']],
    [['key', 'create', 'robot', '--namespace', 'Not A Name']],
    [['fleet', 'list', '--namespace', 'team-a', '--namespace', 'team-b']],
  ])('%j is refused before a request is sent', async (args) => {
    const { exitCode, asked } = await cli(args, { answers });
    expect([exitCode, asked]).toEqual([2, []]);
  });

  it('`key list` shows role, namespaces and the key that made each key, and `key revoke` revokes one', async () => {
    const { key: _, ...listed } = { ...made, parentId: 'ba9876543210' };
    const { stdout } = await cli(['key', 'list'], {
      answers: { 'GET /v1/api-keys': { body: { items: [listed], cursor: null } } },
    });
    expect(stdout).toMatch(/operator +team-a, team-b +ba9876543210/);
    const { exitCode, asked } = await cli(['key', 'revoke', made.id], {
      answers: { [`DELETE /v1/api-keys/${made.id}`]: { status: 204 } },
    });
    expect([exitCode, asked.map(({ method }) => method)]).toEqual([0, ['DELETE']]);
  });
});

describe('local commands', () => {
  const stack = {
    apiUrl: 'http://127.0.0.1:1/a',
    apiKey: 'fw_k',
    simUrl: 'http://127.0.0.1:2',
    simKey: 'sim-k',
    engineUrl: 'http://127.0.0.1:1',
    engineAccessKeyId: 'FWLK',
    engineSecretAccessKey: 'secret',
    namespace: 'default' as const,
  };
  const local = {
    up: async ({ say }: { say(line: string): void }) => {
      say('starting');
      return stack;
    },
    down: async () => ({ stopped: [], purged: false }),
    status: async () => ({
      state: 'partly-running' as const,
      engine: { running: true, url: stack.engineUrl, pid: 7 },
      clouds: { running: false },
      api: { running: false },
      home: '/h',
    }),
    logs: async () => [{ part: 'engine' as const, line: 'hello' }],
  };

  it('`local up` prints the stack as one JSON document, and its progress on stderr', async () => {
    const { exitCode, stdout, stderr } = await cli(['local', 'up', '--json'], { world: { local } });
    expect([exitCode, JSON.parse(stdout), stderr]).toEqual([0, stack, 'starting\n']);
  });

  it("if the local stack cannot start, `local up` exits with 3 and prints the error's advice", async () => {
    const failing = {
      ...local,
      up: () =>
        Promise.reject(new CliError(EXIT.unreachable, 'cannot-start', 'no Python', 'Install Python 3.10.')),
    };
    const { exitCode, stderr } = await cli(['local', 'up'], { world: { local: failing } });
    expect([exitCode, stderr]).toEqual([3, 'error: no Python\nInstall Python 3.10.\n']);
  });

  it('`local status` exits with 1 if a part of the local stack does not run', async () => {
    const { exitCode, stdout } = await cli(['local', 'status'], { world: { local } });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('engine            running  http://127.0.0.1:1    7');
  });

  it('`local logs` prints before each log line the part of the local stack that wrote it', async () => {
    expect((await cli(['local', 'logs'], { world: { local } })).stdout).toBe('engine     hello\n');
  });
});
