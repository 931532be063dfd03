import { describe, expect, it } from 'vitest';
import { durationSchema } from '../../../cli/shell/duration.ts';
import { FLEET_ACTIONS } from '../../../functions/model/fleet-action.ts';
import { type Answers, cli, FLEET_YAML, FLEETS, fleet } from './world.ts';

const ID = 'f0123456789abcdef';
const ACTIONS = `POST ${FLEETS}/web-global/actions`;
const CREATE = ['fleet', 'create', '-f', 'fleet.yaml'];
const files = { 'fleet.yaml': FLEET_YAML };

/**
 * Returns the API's answers. The answer to the action is `first`. The answer to each later read of the fleet
 * is the next of `states`.
 */
function acting(first: object, ...states: object[]): Answers {
  let at = 0;
  return {
    [ACTIONS]: { status: 202, body: first },
    [`GET ${FLEETS}/${ID}`]: () => ({ body: states[Math.min(at++, states.length - 1)] }),
  };
}

describe('fleet actions', () => {
  it.each(FLEET_ACTIONS)('`fleet %s` sends the action and prints the fleet of the answer', async (action) => {
    const { exitCode, stdout, asked } = await cli(['fleet', action, 'web-global', '--json'], {
      answers: acting(fleet('Held')),
    });
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { id: ID, status: 'Held' }]);
    expect(asked.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: 'POST', path: `${FLEETS}/web-global/actions`, body: { action } },
    ]);
  });

  it('if the fleet does not allow an action, the command of the action exits with 2 and prints the allowed actions', async () => {
    const body = {
      title: 'Conflict',
      status: 409,
      code: 'illegal-action',
      detail: 'refine is not possible while the fleet is Creating; it allows: hold, abort',
      requestId: 'r-1',
      errors: [],
      fleetStatus: 'Creating',
      allowed: ['hold', 'abort'],
    };
    const asking = (allowed: string[]) =>
      cli(['fleet', 'refine', 'web-global', '--json'], {
        answers: { [ACTIONS]: { status: 409, body: { ...body, allowed } } },
      });
    const { exitCode, stdout, stderr } = await asking(['hold', 'abort']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('The fleet allows now: `fleetwright fleet hold`, `fleetwright fleet abort`.');
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'illegal-action',
      status: 409,
      fleetStatus: 'Creating',
      allowed: ['hold', 'abort'],
    });
    expect((await asking([])).stderr).toContain('The fleet allows only');
  });
});

describe('fleet hold', () => {
  it('`fleet hold` sends the value of `--expires-in` in seconds, and prints the time at which the hold ends', async () => {
    const held = { ...fleet('Held'), heldUntil: '2026-01-01T01:30:00.000Z' };
    const { stderr, stdout, asked } = await cli(['fleet', 'hold', 'web-global', '--expires-in', '90m'], {
      answers: acting(held),
    });
    expect(asked[0]?.body).toEqual({ action: 'hold', expiresInSeconds: 5_400 });
    expect(stderr).toContain('fleetwright fleet release web-global');
    expect(stderr).toContain('2026-01-01T01:30:00.000Z');
    expect(stdout).toMatch(/Held until +2026-01-01T01:30:00.000Z/);
  });

  it.each(['soon', '1w', '-5', '30s', '31d', '1.5h'])(
    '`fleet hold` refuses `--expires-in` %s',
    async (time) => {
      const { exitCode, stderr, asked } = await cli(['fleet', 'hold', 'web-global', `--expires-in=${time}`]);
      expect([exitCode, asked]).toEqual([2, []]);
      expect(stderr).toContain('--expires-in: ');
    },
  );

  it.each([
    ['3600', 3_600],
    ['90s', 90],
    ['90m', 5_400],
    ['1h', 3_600],
    ['2d', 172_800],
  ])('a duration of %s is %i seconds', (text, seconds) => {
    expect(durationSchema.parse(text)).toBe(seconds);
  });
});

describe('fleet create', () => {
  it.each([
    [['--hold'], {}],
    [['--hold-for', '1h'], { expiresInSeconds: 3_600 }],
    [['--hold', '--hold-for', '1h'], { expiresInSeconds: 3_600 }],
  ])('`fleet create` with %j requests a fleet on hold', async (flags, hold) => {
    const { exitCode, stderr, asked } = await cli([...CREATE, ...flags], {
      files,
      answers: { [`POST ${FLEETS}`]: { status: 202, body: fleet('Held') } },
    });
    expect(exitCode).toBe(0);
    expect(asked[0]?.body).toMatchObject({ name: 'web-global', hold });
    expect(stderr).toContain('fleetwright fleet release web-global');
  });

  it('the hold of a fleet file is replaced by `--hold-for`, and kept with `--hold` or without a flag', async () => {
    const held = { 'fleet.yaml': `hold: {expiresInSeconds: 600}\n${FLEET_YAML}` };
    const answers = { [`POST ${FLEETS}`]: { status: 202, body: fleet('Held') } };
    const [plain, flagged, ended] = await Promise.all([
      cli(CREATE, { files: held, answers }),
      cli([...CREATE, '--hold'], { files: held, answers }),
      cli([...CREATE, '--hold-for', '2h'], { files: held, answers }),
    ]);
    expect(plain.asked[0]?.body).toMatchObject({ hold: { expiresInSeconds: 600 } });
    expect(flagged.asked[0]?.body).toMatchObject({ hold: { expiresInSeconds: 600 } });
    expect(ended.asked[0]?.body).toMatchObject({ hold: { expiresInSeconds: 7_200 } });
  });

  it('`fleet create` refuses `--wait` together with `--hold`, and its error refers to `fleet release`', async () => {
    const { exitCode, stderr, asked } = await cli([...CREATE, '--hold', '--wait'], { files });
    expect([exitCode, asked]).toEqual([2, []]);
    expect(stderr).toContain('fleet release');
  });
});

describe('--wait of fleet actions', () => {
  const partly = (status: string, allowedActions: string[]) => ({
    ...fleet(status, { Running: 3, Failed: 1 }),
    allowedActions,
  });

  it.each(['release', 'retry'])(
    '`fleet %s --wait` exits with 0 when all instances run, and with 1 if some do not run',
    async (action) => {
      const all = acting(fleet('Preparing'), fleet('Creating'), fleet('Running', { Running: 4 }));
      const line = ['fleet', action, 'web-global', '--wait', '--json'];
      const well = await cli(line, { answers: all });
      expect([well.exitCode, JSON.parse(well.stdout).status]).toEqual([0, 'Running']);
      const some = acting(fleet('Preparing'), fleet('Creating'), partly('PartiallyRunning', ['retry']));
      expect((await cli(line, { answers: some })).exitCode).toBe(1);
    },
  );

  it('`fleet withdraw --wait` ends when the fleet is Terminated', async () => {
    const answers = acting(
      fleet('Terminating'),
      fleet('Terminating'),
      fleet('Terminated', { Terminated: 4 }),
    );
    const { exitCode, asked } = await cli(['fleet', 'withdraw', 'web-global', '--wait'], { answers });
    expect([exitCode, asked.map(({ method }) => method)]).toEqual([0, ['POST', 'GET', 'GET']]);
  });

  it.each([
    ['PartiallyRunning', 0],
    ['Failed', 0],
    ['Running', 0],
    ['RolledBack', 0],
    ['Terminating', 1],
  ])('`fleet abort --wait` ends when the fleet is %s, and exits with %i', async (status, expected) => {
    const answers = acting(fleet('Creating'), fleet('Creating'), fleet('RollingBack'), fleet(status));
    const { exitCode, asked } = await cli(['fleet', 'abort', 'web-global', '--wait'], { answers });
    expect([exitCode, asked.length]).toEqual([expected, 4]);
  });

  it.each([
    ['Running', ['retry'], 0],
    ['Failed', ['retry', 'refine'], 1],
    ['Terminating', [], 1],
  ])(
    '`fleet refine --wait` ends when the fleet is %s with the allowed actions %j, and exits with %i',
    async (status, allowed, expected) => {
      const refining = partly('PartiallyRunning', []);
      const answers = acting(refining, refining, refining, partly(status, allowed));
      const { exitCode, asked } = await cli(['fleet', 'refine', 'web-global', '--wait'], { answers });
      expect([exitCode, asked.length]).toEqual([expected, 4]);
    },
  );
});

it('`fleet get` shows the shortfall, the minimum, the allowed actions and the failures', async () => {
  const body = {
    ...fleet('PartiallyRunning', { Running: 3, Failed: 1 }),
    shortfall: 1,
    minimumInstances: 2,
    allowedActions: ['retry', 'refine'],
  };
  const { stdout } = await cli(['fleet', 'get', 'web-global'], {
    answers: { [`GET ${FLEETS}/web-global`]: { body } },
  });
  expect(stdout).toMatch(/^Shortfall +1$/m);
  expect(stdout).toMatch(/^Minimum +2$/m);
  expect(stdout).toMatch(/^Allowed now +retry, refine$/m);
  expect(stdout).toMatch(/^QuotaExceeded +1 /m);
});
