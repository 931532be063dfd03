import { describe, expect, it } from 'vitest';
import { AwsRefusal } from '../../../../cli/shell/aws-calls.ts';
import { documentedActions } from './documented-policy.ts';
import { connection, FakeDeployment, failing, fleet, NAME } from './fake-deployment.ts';

const CONFIRM = ['--confirm', NAME];
const stepOf = (document: { steps: { step: string; found: string; whatToDo: string }[] }, step: string) => {
  const found = document.steps.find((one) => one.step === step);
  if (!found) throw new Error(`no step ${step}`);
  return found;
};
const statuses = (document: { steps: { step: string; status: string }[] }) =>
  document.steps.map(({ step, status }) => `${step} ${status}`);

describe('the removal of a deployment', () => {
  it('a removal stops accepting, then removes fleets, asks the clouds, removes secrets, and deletes the stack last', async () => {
    const deployment = new FakeDeployment();
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(document).toMatchObject({ deployment: NAME, status: 'destroyed', ok: true, dryRun: false });
    expect(exitCode).toBe(0);
    expect(deployment.events).toEqual([
      ...['stop accepting', 'close gate', 'delete one', 'delete two', 'sweep', 'sweep'],
      ...['delete sim-aws', 'delete sim-gcp', 'delete parameters', 'revoke key', 'delete stack'],
    ]);
    expect(deployment.isProtected).toBe(false);
    expect(document.kept).toEqual(['prod-fleets', 'prod-access']);
    expect(statuses(document)).toEqual([
      ...['accepting done', 'fleets done', 'networks done', 'clouds done', 'secrets done', 'stack done'],
    ]);
    expect(document.steps[1].counts).toEqual({ fleets: 2, instances: 4 });
  });

  it('with --delete-data, the tables that the stack keeps are deleted after the stack', async () => {
    const deployment = new FakeDeployment();
    const { document } = await deployment.run(...CONFIRM, '--delete-data');
    expect(document.kept).toEqual([]);
    expect(deployment.events.slice(-3)).toEqual([
      'delete stack',
      'delete table prod-fleets',
      'delete table prod-access',
    ]);
  });

  it('a table with deletion protection stays, and the command says how to unprotect it', async () => {
    const deployment = new FakeDeployment({
      aws: {
        'dynamodb:DeleteTable': () => {
          throw new AwsRefusal('failed', 'dynamodb:DeleteTable', 'ValidationException: protected');
        },
      },
    });
    const { exitCode, document } = await deployment.run(...CONFIRM, '--delete-data');
    expect(exitCode).toBe(1);
    expect(document.steps.at(-1).whatToDo).toContain('--no-deletion-protection-enabled');
  });

  it('a stack that cannot be deleted stops the command with the reasons of CloudFormation', async () => {
    const deployment = new FakeDeployment();
    deployment.afterDelete = 'DELETE_FAILED';
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document.steps.at(-1).found).toContain('Role: in use');
  });

  it.each([[[]], [['--confirm', 'Fleetwright-dev']], [['--name', 'production']]])(
    'without the right name (%j), nothing is changed',
    async (flags) => {
      const deployment = new FakeDeployment();
      const { exitCode, document } = await deployment.run(...flags);
      expect(exitCode).toBe(2);
      expect(document.error.next).toContain(`--confirm ${NAME}`);
      expect(deployment.events).toEqual([]);
    },
  );

  it('the name may be typed on a terminal, or given with --name', async () => {
    expect((await new FakeDeployment({ typed: ` ${NAME}\n` }).run()).exitCode).toBe(0);
    expect((await new FakeDeployment().run('--name', NAME)).exitCode).toBe(0);
    expect((await new FakeDeployment({ typed: 'no' }).run()).exitCode).toBe(2);
  });
});

describe('a dry run of the removal', () => {
  it('the dry run counts what each step would do, and changes nothing', async () => {
    const deployment = new FakeDeployment();
    const { exitCode, document } = await deployment.run('--dry-run');
    expect(exitCode).toBe(0);
    expect(document).toMatchObject({ dryRun: true, status: 'planned', ok: true });
    expect(
      document.steps.map(({ step, counts }: { step: string; counts: object }) => [step, counts]),
    ).toEqual([
      ['accepting', { fleets: 2 }],
      ['fleets', { fleets: 2, instances: 4 }],
      ['networks', { networks: 0 }],
      ['clouds', { connections: 2, keptDisks: 0 }],
      ['secrets', { connections: 2, parameters: 2, keptDisks: 0 }],
      ['stack', { resources: 2, tablesKept: 2 }],
    ]);
    expect(deployment.events).toEqual([]);
    expect(deployment.ending).toBeUndefined();
  });

  it('the dry run and the removal name the disks that stay, with their price', async () => {
    const disk = { namespace: 'default', connection: 'sim-aws', cloud: 'aws', location: 'us-east-1' };
    const of = { name: 'f-one-0', fleet: 'one', sizeGb: 50, type: 'gp3' };
    const keptDisks = [
      { ...disk, ...of, backendId: 'vol-1', usdPerMonth: 4 },
      { ...disk, ...of, backendId: 'vol-2', usdPerMonth: null },
    ];
    for (const [flags, verb] of [
      [['--dry-run'], 'would stay'],
      [[...CONFIRM, '--forget-disks'], 'stay'],
    ] as const) {
      const { document } = await new FakeDeployment({ keptDisks }).run(...flags);
      const { found } = document.steps.find(({ step }: { step: string }) => step === 'clouds');
      expect(found).toContain(
        `2 kept disks, $4.00 a month without 1 whose price is not known ${verb}: sim-aws/us-east-1 vol-1 (50 GB gp3, $4.00 a month), sim-aws/us-east-1 vol-2 (50 GB gp3, price not known)`,
      );
    }
  });

  it('a removal with kept disks asks before it forgets them, and stops without an answer', async () => {
    const disk = { namespace: 'default', connection: 'sim-aws', cloud: 'aws', location: 'us-east-1' };
    const more = { name: 'f-one-0', fleet: 'one', sizeGb: 50, type: 'gp3', usdPerMonth: 4 };
    const setting = { keptDisks: [{ ...disk, ...more, backendId: 'vol-1' }] };
    const plan = (await new FakeDeployment(setting).run('--dry-run')).document;
    expect(stepOf(plan, 'secrets')).toMatchObject({ counts: { keptDisks: 1 } });
    expect(stepOf(plan, 'secrets').found).toContain('would be forgotten: sim-aws/us-east-1 vol-1');
    expect(stepOf(plan, 'secrets').whatToDo).toContain('--forget-disks');

    const silent = new FakeDeployment(setting);
    const { exitCode, document } = await silent.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document.steps.at(-1)).toMatchObject({
      ...{ step: 'secrets', status: 'stopped', counts: { keptDisks: 1 } },
      blockers: [{ connection: 'sim-aws', location: 'us-east-1', message: 'disk vol-1 is kept' }],
    });
    expect(silent.fleets).toEqual([]);
    expect(silent.events).not.toContain('delete parameters');
    expect(silent.ending).toMatchObject({ step: 'clouds' });

    const answered = new FakeDeployment({ ...setting, typed: 'forget' });
    expect((await answered.run(...CONFIRM)).exitCode).toBe(0);
    const flagged = new FakeDeployment(setting);
    expect((await flagged.run(...CONFIRM, '--forget-disks')).exitCode).toBe(0);
    for (const { events } of [answered, flagged]) expect(events).toContain('delete sim-aws');
  });

  it('a removal stops when a connection has a kept disk that the tables did not have before', async () => {
    const deployment = new FakeDeployment({ lateDisk: true });
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document.steps.at(-1)).toMatchObject({ step: 'secrets', status: 'stopped' });
    expect(deployment.events).not.toContain('delete parameters');
    expect((await deployment.run(...CONFIRM, '--forget-disks')).exitCode).toBe(0);
  });

  it('the dry run names the connections at which the removal would stop', async () => {
    const deployment = new FakeDeployment({ connections: [failing('sim-aws'), connection('sim-gcp')] });
    const { document } = await deployment.run('--dry-run');
    expect(document.steps[1].blockers).toEqual([
      { namespace: 'default', connection: 'sim-aws', message: 'Unauthorized: the key was revoked' },
    ]);
  });
});

describe('a connection that cannot be read', () => {
  it('a removal removes what it can, then stops, names the connection, and keeps secrets and stack', async () => {
    const deployment = new FakeDeployment({ connections: [failing('sim-aws'), connection('sim-gcp')] });
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document).toMatchObject({ status: 'stopped', ok: false });
    expect(deployment.fleets.map(({ name }) => name)).toEqual(['one']);
    const last = document.steps.at(-1);
    expect(last).toMatchObject({ step: 'fleets', status: 'stopped' });
    expect(last.blockers).toEqual([
      expect.objectContaining({ connection: 'sim-aws', location: 'us-east-1', fleet: 'one' }),
    ]);
    expect(last.whatToDo).toMatch(/rotate-credential.*--forget/);
    expect(deployment.events).not.toContain('delete stack');
    expect(deployment.events).not.toContain('delete parameters');
  });

  it('after the repair, the same command goes on to the end', async () => {
    const deployment = new FakeDeployment({ connections: [failing('sim-aws'), connection('sim-gcp')] });
    await deployment.run(...CONFIRM);
    deployment.connections.splice(0, 1, connection('sim-aws'));
    const { exitCode } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(0);
    expect(deployment.events.at(-1)).toBe('delete stack');
    expect(deployment.events.filter((event) => event === 'stop accepting')).toHaveLength(1);
  });

  it('a connection without fleets that cannot be read stops the removal before the secrets', async () => {
    const deployment = new FakeDeployment({ fleets: [], connections: [failing('sim-aws')] });
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document.steps.at(-1)).toMatchObject({ step: 'clouds', status: 'stopped' });
  });

  it('a connection that was never verified has made nothing, and does not stop the removal', async () => {
    const { verifiedAt: _, ...never } = failing('sim-aws');
    const { exitCode } = await new FakeDeployment({ fleets: [], connections: [never] }).run(...CONFIRM);
    expect(exitCode).toBe(0);
  });

  it('a fleet that is only slow does not stop the removal as long as the time lasts', async () => {
    const slow = fleet('one', 'sim-aws');
    const deployment = new FakeDeployment({
      fleets: [slow],
      onSleep: (self) => void self.fleets.push(...(self.events.length < 3 ? [slow] : [])),
    });
    expect((await deployment.run(...CONFIRM)).exitCode).toBe(0);
  });
});

describe('machines that clouds still list', () => {
  it('a finding of the dry-run sweep stops the removal before the secrets', async () => {
    const finding = { kind: 'instance', backendId: 'i-stray', reason: 'no-record', state: 'Reported' };
    const deployment = new FakeDeployment({ findings: [finding] });
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document.steps.at(-1)).toMatchObject({ step: 'clouds', status: 'stopped' });
    expect(document.steps.at(-1).blockers[0].message).toBe('instance i-stray: no-record');
    expect(deployment.events).not.toContain('delete parameters');
  });

  it('a finding whose machine is gone does not stop the removal', async () => {
    const finding = { kind: 'instance', backendId: 'i-gone', reason: 'ended', state: 'Gone' };
    expect((await new FakeDeployment({ findings: [finding] }).run(...CONFIRM)).exitCode).toBe(0);
  });
});

describe('the removal with --forget', () => {
  it('the list of machines is written before anything is forgotten, and no fleet is deleted', async () => {
    const deployment = new FakeDeployment({ connections: [failing('sim-aws'), connection('sim-gcp')] });
    const { exitCode, document } = await deployment.run(
      ...CONFIRM,
      '--forget',
      '--forget-file',
      '/tmp/left.json',
    );
    expect(exitCode).toBe(0);
    expect(deployment.events).toEqual([
      ...['stop accepting', 'close gate', 'file', 'keep sim-aws', 'keep sim-gcp', 'delete parameters'],
      ...['revoke key', 'delete stack'],
    ]);
    expect(document.forgotten).toEqual({ file: '/tmp/left.json', machines: 4, networks: 0, findings: 0 });
    const list = JSON.parse(deployment.files['/tmp/left.json'] ?? '');
    expect(list).toMatchObject({ deployment: NAME, deploymentId: 'the-id', region: 'eu-central-1' });
    expect(list.machines[0]).toMatchObject({
      ...{ connection: 'sim-aws', location: 'us-east-1', backendId: 'i-one-0', name: 'f-one-0' },
    });
  });

  it('if the list cannot be written, nothing is forgotten', async () => {
    const deployment = new FakeDeployment({
      writeNewFile: () => Promise.reject(Object.assign(new Error('exists'), { code: 'EEXIST' })),
    });
    const { exitCode, document } = await deployment.run(...CONFIRM, '--forget');
    expect(exitCode).toBe(2);
    expect(document.error.message).toContain('the file exists');
    expect(deployment.events).toEqual(['stop accepting', 'close gate', 'revoke key']);
  });

  it('--forget-file without --forget is refused', async () => {
    expect((await new FakeDeployment().run(...CONFIRM, '--forget-file', 'x')).exitCode).toBe(2);
  });
});

describe('a removal that goes on, is cancelled or is interrupted', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const at = (step: 'fleets' | 'secrets' | 'stack') =>
    ({ state: 'ending', endingId: 'e1', step, since, by: 'ops' }) as const;

  it('a command that was killed at the secrets goes on there, and deletes no fleet', async () => {
    const deployment = new FakeDeployment({ ending: at('secrets') });
    const { document } = await deployment.run(...CONFIRM);
    expect(statuses(document).slice(0, 5)).toEqual([
      ...['accepting skipped', 'fleets skipped', 'networks skipped', 'clouds skipped', 'secrets done'],
    ]);
    expect(deployment.events.filter((event) => event.startsWith('delete ')).at(-1)).toBe('delete stack');
    expect(deployment.events).not.toContain('delete one');
  });

  it('a command that was killed at the stack deletes only the stack', async () => {
    const deployment = new FakeDeployment({ ending: at('stack') });
    await deployment.run(...CONFIRM);
    expect(deployment.events).toEqual(['delete stack', 'delete parameters']);
  });

  it('a command that was killed after the stack was deleted removes the parameters that are left', async () => {
    const deployment = new FakeDeployment();
    deployment.stackStatus = undefined;
    const { exitCode } = await deployment.run(...CONFIRM, '--delete-data');
    expect(exitCode).toBe(0);
    expect(deployment.events).toEqual([
      'delete parameters',
      'delete table prod-fleets',
      'delete table prod-access',
    ]);
  });

  it('--cancel lets the deployment accept again until its secrets are deleted', async () => {
    const early = new FakeDeployment({ ending: at('fleets') });
    expect((await early.run('--cancel')).document.status).toBe('reopened');
    expect((await early.run('--cancel')).exitCode).toBe(2);
    const late = new FakeDeployment({ ending: at('secrets') });
    const { exitCode, document } = await late.run('--cancel');
    expect(exitCode).toBe(1);
    expect(document.error.code).toBe('too-late');
    expect([...early.events, ...late.events]).toEqual([]);
  });

  it('a command stops if another command cancels the removal meanwhile', async () => {
    const deployment = new FakeDeployment({
      onSleep: (self) => {
        self.ending = undefined;
      },
    });
    const { exitCode, document } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(1);
    expect(document.error.code).toBe('cancelled');
    expect(deployment.events).not.toContain('delete parameters');
  });

  it('Ctrl-C ends the command with 130, and keeps the progress', async () => {
    const deployment = new FakeDeployment({ onSleep: (_self, interrupt) => interrupt() });
    const { exitCode } = await deployment.run(...CONFIRM);
    expect(exitCode).toBe(130);
    expect(deployment.ending).toMatchObject({ state: 'ending', step: 'fleets' });
  });
});

describe('the documented policy of the removal', () => {
  it('the policy allows exactly the calls that a removal makes', async () => {
    const whole = new FakeDeployment();
    await whole.run(...CONFIRM, '--delete-data');
    const failed = new FakeDeployment();
    failed.afterDelete = 'DELETE_FAILED';
    await failed.run(...CONFIRM);
    const late = new FakeDeployment();
    late.stackStatus = undefined;
    await late.run(...CONFIRM);
    const made = new Set([whole, failed, late].flatMap(({ account }) => account.calls));
    const items = ['GetItem', 'PutItem', 'Query', 'UpdateItem'];
    const ofTables = items.map((action) => `dynamodb:${action}`);
    expect(documentedActions('destroy')).toEqual([...made, ...ofTables].sort());
  });
});
