import { expect, it } from 'vitest';
import { CAUTIOUS_PROFILES } from '../../../functions/model/peer-limits.ts';
import { cli } from './world.ts';

const ORPHANS = '/v1/namespaces/default/orphans';
const ID = 's0123456789abcdef';

function sweep(more: Record<string, unknown> = {}) {
  return {
    id: ID,
    namespace: 'default',
    dryRun: true,
    connections: ['sim-aws'],
    status: 'Running',
    places: { found: 2, done: 0, failed: 0 },
    findings: [],
    findingsLeftOut: 0,
    failures: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}
const finding = {
  connection: 'sim-aws',
  location: 'us-east-1',
  kind: 'instance',
  backendId: 'i-1',
  instanceId: 'f0123456789abcdef-00000',
  reason: 'no-record',
  state: 'Terminating',
  action: 'terminate',
};

const answers = (...later: Record<string, unknown>[]) => {
  let at = 0;
  return {
    [`POST ${ORPHANS}/sweep`]: { status: 202, body: sweep() },
    [`GET ${ORPHANS}/sweeps/${ID}`]: () => ({ body: sweep(later[Math.min(at++, later.length - 1)]) }),
  };
};

it('`orphans sweep --dry-run --wait` prints what a sweep would do', async () => {
  const { exitCode, stdout, stderr, asked } = await cli(['orphans', 'sweep', '--dry-run', '--wait'], {
    answers: answers(
      { places: { found: 2, done: 1, failed: 0 } },
      { status: 'Done', places: { found: 2, done: 2, failed: 0 }, findings: [finding] },
    ),
  });
  expect(exitCode).toBe(0);
  expect(asked[0]?.body).toEqual({ dryRun: true });
  expect(stdout).toMatch(/would do\n/i);
  expect(stdout).toMatch(/i-1 .* no-record +terminate/);
  expect(stderr).toContain('1 of 2 sites swept');
});

it('`orphans sweep --wait` exits with 1 if the sweep failed at a site (a connection at one location)', async () => {
  const failures = [{ connection: 'sim-aws', location: 'us-west-2', code: 'Unavailable', message: 'down' }];
  const { exitCode, stdout } = await cli(['orphans', 'sweep', '--connection', 'sim-aws', '--wait'], {
    answers: answers({ status: 'Done', places: { found: 2, done: 1, failed: 1 }, failures }),
  });
  expect(exitCode).toBe(1);
  expect(stdout).toContain('Unavailable');
});

it('`orphans sweep` prints the command that shows its findings, and `orphans list --state` filters by state', async () => {
  const started = await cli(['orphans', 'sweep', '--json'], { answers: answers({}) });
  expect([started.exitCode, JSON.parse(started.stdout).id]).toEqual([0, ID]);
  expect(started.stderr).toContain(`fleetwright orphans get ${ID}`);
  const { action: _, ...rest } = finding;
  const orphan = { ...rest, cloud: 'aws', firstSeenAt: sweep().createdAt, stateSince: sweep().createdAt };
  const listed = await cli(['orphans', 'list', '--state', 'Terminating'], {
    answers: { [`GET ${ORPHANS}`]: { body: { items: [orphan], cursor: null } } },
  });
  expect(listed.asked[0]?.path).toContain('state=Terminating');
  expect(listed.stdout).toContain('no-record');
});

it("`resources list` shows a resource's fleet, the node groups that need the resource, and the number of live instances", async () => {
  const resource = {
    name: '0123456789abcdefn000000',
    kind: 'network',
    fleet: { id: 'f0123456789abcdef', name: 'web-global' },
    cloud: 'aws',
    connection: 'sim-aws',
    location: 'us-east-1',
    state: 'Ready',
    neededBy: ['web', 'db-'],
    liveInstances: 3,
  };
  const { asked, stdout } = await cli(['resources', 'list', '--fleet', 'web-global', '--kind', 'network'], {
    answers: {
      'GET /v1/namespaces/default/resources': { body: { items: [resource], cursor: null } },
    },
  });
  expect(asked[0]?.path).toContain('fleet=web-global&kind=network');
  expect(stdout).toMatch(/web-global .* web, db- +3/);
});

it('`connection create` and `connection set-orphan-policy` set the orphan policy', async () => {
  const connection = {
    namespace: 'default',
    name: 'sim-aws',
    id: 'c0123456789abcdef',
    driver: 'sim',
    cloud: 'aws',
    status: 'Ready',
    createdAt: '2026-01-01T00:00:00.000Z',
    limitProfile: CAUTIOUS_PROFILES.aws,
    orphans: { action: 'report', graceSeconds: 600 },
  };
  const path = '/v1/namespaces/default/connections';
  const flags = ['--orphan-action', 'report', '--orphan-grace-seconds', '600'];
  const create = ['connection', 'create', 'sim-aws', '--driver', 'sim', '--cloud', 'aws'];
  const made = await cli([...create, '--credential', 'apiKey=env:K', ...flags], {
    env: { K: 'k' },
    answers: { [`POST ${path}`]: { status: 201, body: connection } },
  });
  expect(made.asked[0]?.body).toMatchObject({ orphans: { action: 'report', graceSeconds: 600 } });
  expect(made.stdout).toContain('report after 600 s');
  const set = await cli(['connection', 'set-orphan-policy', 'sim-aws', '--orphan-action', 'report'], {
    answers: { [`PUT ${path}/sim-aws/orphan-policy`]: { body: connection } },
  });
  expect([set.exitCode, set.asked[0]?.body]).toEqual([0, { action: 'report', graceSeconds: 1800 }]);
  const bad = await cli([...create, '--credential', 'apiKey=env:K', '--orphan-grace-seconds', '1'], {
    env: { K: 'k' },
  });
  expect([bad.exitCode, bad.asked]).toEqual([2, []]);
});

const HOLD = {
  connection: 'sim-aws',
  location: 'us-east-1',
  because: 'cap',
  message: 'sweeps remove at most 5 machines at this location in 24 hours, and 45 more wait',
  since: '2026-01-01T00:00:00.000Z',
  waiting: 45,
};

it('`orphans holds` shows each hold (a stop of sweeps at a site) with its reason and the number of machines that wait for removal', async () => {
  const { exitCode, stdout } = await cli(['orphans', 'holds'], {
    answers: { [`GET ${ORPHANS}/holds`]: { body: { items: [HOLD], cursor: null } } },
  });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/sim-aws +us-east-1 +cap .* 45 /);
});

it('`orphans continue` sends a connection and a location, and prints the ended holds', async () => {
  const args = ['orphans', 'continue', '--connection', 'sim-aws', '--location', 'us-east-1', '--json'];
  const { exitCode, stdout, asked } = await cli(args, {
    answers: { [`POST ${ORPHANS}/continue`]: { body: { continued: [HOLD] } } },
  });
  expect(exitCode).toBe(0);
  expect(asked[0]?.body).toEqual({ connection: 'sim-aws', location: 'us-east-1' });
  expect(JSON.parse(stdout)).toEqual({ continued: [HOLD] });
});

it('`orphans continue` exits with 2 if no connection is given', async () => {
  expect((await cli(['orphans', 'continue'], { answers: {} })).exitCode).toBe(2);
});
