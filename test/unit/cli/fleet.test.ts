import { describe, expect, it } from 'vitest';
import { type Answers, cli, FLEET_YAML, FLEETS, fleet } from './world.ts';

const ID = 'f0123456789abcdef';
const files = { 'fleet.yaml': FLEET_YAML };
const CREATE = ['fleet', 'create', '-f', 'fleet.yaml'];

/**
 * Returns the API's answers. The API accepts a create or delete of the fleet, and answers each later read
 * with the next of `states`.
 */
function coming(...states: ReturnType<typeof fleet>[]): Answers {
  let at = 0;
  return {
    [`POST ${FLEETS}`]: { status: 202, body: fleet('Preparing') },
    [`DELETE ${FLEETS}/web-global`]: { status: 202, body: fleet('Terminating') },
    [`GET ${FLEETS}/${ID}`]: () => ({ body: states[Math.min(at++, states.length - 1)] }),
    [`GET ${FLEETS}/${ID}/resources`]: { body: { items: [], cursor: null } },
    [`GET ${FLEETS}/web-global`]: { body: fleet('Creating') },
  };
}

describe('fleet create', () => {
  it('`fleet create` sends the file with the idempotency key, and prints the answer as one JSON document', async () => {
    const { exitCode, stdout, stderr, asked } = await cli([...CREATE, '--idempotency-key', 'k-1', '--json'], {
      files,
      answers: coming(),
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: ID, status: 'Preparing' });
    expect(stderr).toContain('fleetwright fleet wait web-global');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.get('idempotency-key')).toBe('k-1');
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer fw_key');
    expect(asked[0]?.body).toMatchObject({ name: 'web-global', failurePolicy: 'continue' });
  });

  it('`fleet create` prints each warning of the answer with the line of the file', async () => {
    const pointer = '/nodeGroups/0/instanceType';
    const warnings = [{ pointer, code: 'some-code', message: 'mind this' }];
    const { exitCode, stderr } = await cli(CREATE, {
      files,
      answers: { [`POST ${FLEETS}`]: { status: 202, body: { ...fleet('Preparing'), warnings } } },
    });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^Warning: fleet\.yaml:\d+:\d+ {2}\/nodeGroups\/0\/instanceType: mind this$/m);
  });

  it('`fleet create` reads the files with user data that the file names, relative to its folder', async () => {
    const text = FLEET_YAML.replace(/^( +)image: .*$/m, '$&\n$1userData: { file: setup.sh, encoding: gzip }');
    const { exitCode, asked } = await cli(['fleet', 'create', '-f', 'fleets/web.yaml', '--json'], {
      files: { 'fleets/web.yaml': text, 'fleets/setup.sh': '#!/bin/sh\n' },
      answers: coming(),
    });
    expect(exitCode).toBe(0);
    expect(asked[0]?.body).toMatchObject({
      nodeGroups: expect.arrayContaining([
        expect.objectContaining({ userData: { text: '#!/bin/sh\n', encoding: 'gzip' } }),
      ]),
    });
    const missing = await cli(['fleet', 'create', '-f', 'fleets/web.yaml'], {
      files: { 'fleets/web.yaml': text },
    });
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toMatch(
      /fleets\/web.yaml:\d+:\d+ {2}\/nodeGroups\/0\/userData\/file: cannot read/,
    );
  });

  it('`fleet create --ssh-key` gives the key to the node groups that name none', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here';
    const setting = {
      env: { HOME: '/home/me' },
      files: { ...files, '/home/me/.ssh/id_rsa.pub': 'damaged', '/home/me/.ssh/id_ed25519.pub': `${key}\n` },
      answers: coming(),
    };
    for (const named of ['auto', '~/.ssh/id_ed25519.pub', '/home/me/.ssh/id_ed25519.pub']) {
      const { exitCode, asked } = await cli([...CREATE, '--ssh-key', named], setting);
      expect(exitCode).toBe(0);
      const ssh = { publicKeys: [key] };
      expect(asked[0]?.body).toMatchObject({ nodeGroups: [{ ssh }, { ssh }] });
    }
    const damaged = await cli([...CREATE, '--ssh-key', '~/.ssh/id_rsa.pub'], setting);
    expect([damaged.exitCode, damaged.asked.length]).toEqual([2, 0]);
    expect(damaged.stderr).toContain('/home/me/.ssh/id_rsa.pub must be a public key in OpenSSH format');
    const none = await cli([...CREATE, '--ssh-key', 'auto'], { ...setting, env: { HOME: '/home/other' } });
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain('/home/other/.ssh has none of id_ed25519.pub, id_ecdsa.pub, id_rsa.pub');
  });

  it('`fleet create --wait` exits with 0 when all instances run, and with 1 if one failed', async () => {
    const well = await cli([...CREATE, '--wait', '--json'], {
      files,
      answers: coming(fleet('Creating', { Running: 2 }), fleet('Running', { Running: 4 })),
    });
    expect([well.exitCode, JSON.parse(well.stdout).status]).toEqual([0, 'Running']);
    const badly = await cli([...CREATE, '--wait', '--json'], {
      files,
      answers: coming(fleet('PartiallyRunning', { Running: 3, Failed: 1 })),
    });
    expect([badly.exitCode, JSON.parse(badly.stdout).status]).toEqual([1, 'PartiallyRunning']);
    expect(badly.listening).toBe(0);
  });

  it('`fleet create --wait` prints progress by cloud and the estimated end, and each failure once', async () => {
    const { stdout, stderr } = await cli([...CREATE, '--wait'], {
      files,
      answers: coming(
        fleet('Creating'),
        fleet('Creating', { Running: 1 }),
        fleet('Creating', { Running: 1 }),
        fleet('Creating', { Running: 2, Failed: 1 }),
        fleet('Creating', { Running: 2, Failed: 1 }),
        fleet('PartiallyRunning', { Running: 3, Failed: 1 }),
      ),
    });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.slice(1)).toEqual([
      'web-global  Creating  0 of 4 running  aws 0/3  gcp 0/1',
      'failed: 1 × QuotaExceeded: no more [31m here',
      'web-global  Creating  2 of 4 running, 1 failed, ends about 00:00:08 UTC (in 2 s)  aws 2/3  gcp 0/1',
      'web-global  PartiallyRunning  3 of 4 running, 1 failed  aws 3/3  gcp 0/1',
    ]);
    expect(stdout).toContain('QuotaExceeded');
    expect(stdout).not.toContain('\u001b');
  });

  it('`fleet create --wait` rewrites its progress lines on a terminal', async () => {
    const { stderr } = await cli([...CREATE, '--wait'], {
      files,
      terminal: true,
      answers: coming(fleet('Creating'), fleet('Running', { Running: 4 })),
    });
    expect(stderr).toContain('\u001b[3A\u001b[0J');
    expect(stderr).toContain('aws  ████████████████████████     3 of 3');
  });

  it('after Ctrl-C, `fleet create --wait` ends without deleting the fleet, and prints the next commands', async () => {
    const { exitCode, stdout, stderr, asked, listening } = await cli([...CREATE, '--wait', '--json'], {
      files,
      answers: coming(fleet('Creating', { Running: 1 })),
      onSleep: (count, interrupt) => {
        if (count === 1) interrupt();
      },
    });
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'Creating' });
    expect(stderr).toContain(`fleetwright fleet wait ${ID}`);
    expect(stderr).toContain(`fleetwright fleet delete ${ID}`);
    expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    expect(listening).toBe(0);
  });

  it('`fleet create --wait` exits with 1 after `--timeout`, and does not delete the fleet', async () => {
    const { exitCode, stderr, asked } = await cli([...CREATE, '--wait', '--timeout', '5'], {
      files,
      answers: coming(fleet('Creating')),
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('has not ended after 5 s');
    expect(asked.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('`fleet create --wait` retries failed reads, and exits with 3 if all attempts fail', async () => {
    let reads = 0;
    const flaky = coming();
    flaky[`GET ${FLEETS}/${ID}`] = () =>
      reads++ < 12 ? new TypeError('fetch failed') : { body: fleet('Running', { Running: 4 }) };
    const back = await cli([...CREATE, '--wait'], { files, answers: flaky });
    expect([back.exitCode, back.stderr.includes('the command tries again')]).toEqual([0, true]);
    flaky[`GET ${FLEETS}/${ID}`] = () => new TypeError('fetch failed');
    const away = await cli([...CREATE, '--wait'], { files, answers: flaky });
    expect(away.exitCode).toBe(3);
  });

  it('`fleet create` prints its idempotency key if the API does not answer', async () => {
    const { exitCode, stderr, stdout } = await cli([...CREATE, '--json', '--idempotency-key', 'k-9'], {
      files,
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('--idempotency-key k-9');
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'unreachable', idempotencyKey: 'k-9' });
  });
});

describe('an invalid fleet file', () => {
  it('each error of a fleet file is printed with its line and column, and nothing is sent', async () => {
    const text = FLEET_YAML.replace('size: 3', 'size: 0')
      .replace('zone', 'z')
      .replace('    image: ubuntu-24.04\n', '    foo: 1\n');
    const { exitCode, stderr, asked } = await cli(CREATE, { files: { 'fleet.yaml': text } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('fleet.yaml:4:5  /nodeGroups/0/size: ');
    expect(stderr).toContain('fleet.yaml:8:5  /nodeGroups/0/foo: is not a known field');
    expect(stderr).toContain('fleet.yaml:3:5  /nodeGroups/0/image: is missing');
    expect(asked).toEqual([]);
  });

  it.each([
    ['name: a: b\n', 'stdin:1:7  '],
    ['', 'stdin:1:1  /: '],
    ['a: *none\n', 'Use fewer YAML aliases'],
  ])('the fleet file %j on standard input is refused with the message %j', async (stdin, said) => {
    const { exitCode, stderr } = await cli(['fleet', 'create', '-f', '-'], { stdin });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(said);
  });

  it('`fleet create` exits with 2 if the file does not exist', async () => {
    const { exitCode, stderr } = await cli(CREATE);
    expect([exitCode, stderr.split('\n')[0]]).toEqual([
      2,
      'error: cannot read fleet.yaml: the file does not exist',
    ]);
  });

  it("each error of the API's refusal is printed with its line in the fleet file", async () => {
    const errors = [
      { pointer: '/nodeGroups/1/connection', code: 'unknown', message: 'no such connection' },
      { pointer: '/nodeGroups/0/locations/0', code: 'unknown', message: 'no such location' },
    ];
    const body = {
      title: 'Bad Request',
      status: 400,
      code: 'invalid-request',
      detail: '2 fields are not as they should be',
      requestId: 'r-1',
      errors,
    };
    const { exitCode, stderr, stdout } = await cli([...CREATE, '--json'], {
      files,
      answers: { [`POST ${FLEETS}`]: { status: 400, body } },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('fleet.yaml:11:5  /nodeGroups/1/connection: no such connection (unknown)');
    expect(stderr).toContain('fleet.yaml:6:17  /nodeGroups/0/locations/0: no such location (unknown)');
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'invalid-request',
      status: 400,
      requestId: 'r-1',
      errors,
    });
  });
});

describe('fleet delete --wait', () => {
  it('`fleet delete --wait` exits with 0 when the fleet is Terminated', async () => {
    const { exitCode, stderr, asked } = await cli(['fleet', 'delete', 'web-global', '--wait'], {
      answers: coming(fleet('Terminating', { Terminated: 1 }), fleet('Terminated', { Terminated: 4 })),
    });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('web-global  Terminated  4 of 4 gone  aws 3/3  gcp 1/1');
    expect(asked.map(({ method }) => method)).toEqual(['DELETE', 'GET', 'GET', 'GET']);
  });

  it('`fleet delete` names the disks that the fleet leaves, with their price', async () => {
    const disk = {
      kind: 'volume',
      fleet: { id: ID, name: 'web-global' },
      connection: 'sim-aws',
      location: 'us-east-1',
    };
    const kept = {
      ...disk,
      state: 'Ready',
      neededBy: ['machines'],
      liveInstances: 1,
      instanceId: `${ID}-00000`,
      sizeGb: 50,
    };
    const answers = coming();
    answers[`GET ${FLEETS}/${ID}/resources`] = {
      body: {
        items: [
          { ...kept, name: 'v0000000000000001', diskType: 'gp3', usdPerMonth: 4 },
          { ...kept, name: 'v0000000000000002' },
        ],
        cursor: null,
      },
    };
    const { exitCode, stderr } = await cli(['fleet', 'delete', 'web-global'], { answers });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('2 kept disks, $4.00 a month without 1 whose price is not known');
    expect(stderr).toContain(`v0000000000000001 of ${ID}-00000: 50 GB gp3, $4.00 a month`);
    expect(stderr).toContain(`v0000000000000002 of ${ID}-00000: 50 GB, price not known`);
  });

  it('`fleet delete --wait` exits with 0 if the API answers that the fleet does not exist', async () => {
    const answers = coming();
    answers[`GET ${FLEETS}/${ID}`] = { status: 404, body: { code: 'not-found' } };
    expect((await cli(['fleet', 'delete', 'web-global', '--wait', '--json'], { answers })).exitCode).toBe(0);
  });
});

it('`fleet wait` resolves the name once, and then reads the fleet by its id', async () => {
  const { exitCode, asked } = await cli(['fleet', 'wait', 'web-global'], {
    answers: coming(fleet('Running', { Running: 4 })),
  });
  expect(exitCode).toBe(0);
  expect(asked.map(({ path }) => path)).toEqual([`${FLEETS}/web-global`, `${FLEETS}/${ID}`]);
});
