import assert from 'node:assert/strict';
import { ProgressPrinter } from '../../../cli/shell/progress.ts';
import type { Fleet } from '../../../functions/model/fleet.ts';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { type Field, inField, type Worlds } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';
import type { CloudWorld } from '../worlds/http.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import type { Met } from '../worlds/script.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const MINUTE_MS = 60_000;
const WORDS = 'Could not find Application Credential: credential-1.';
const site = SITES.openstack;
type At = Field<{ openstack: OpenStackWorld }>;

/** Keystone has lost the application credential: it issues no token, and refuses the tokens that it issued. */
function loseCredential({ worlds }: At): Met[] {
  const { script } = worlds.openstack;
  const refuse = (code: number, message: string) =>
    Response.json(
      { error: { code, title: code === 401 ? 'Unauthorized' : 'Not Found', message } },
      { status: code },
    );
  return [
    script.trouble({ call: /^POST keystone /, answer: () => refuse(404, WORDS) }),
    script.trouble({
      call: /^\w+ (nova|neutron|glance) /,
      answer: () => refuse(401, 'The request you have made requires authentication.'),
    }),
  ];
}

function expectWaits(at: At, fleet: Fleet, goal: 'up' | 'gone'): void {
  const [reason] = fleet.waiting ?? [];
  assertIs('reason', [reason?.why, reason?.connection], ['connection', 'cloud']);
  assert.ok(reason?.message.includes(WORDS), `Keystone's words are not shown: ${reason?.message}`);
  assert.ok(Date.parse(reason?.since ?? '') <= at.ground.now(), `since ${reason?.since}`);
  const lines: string[] = [];
  const out = { write: (text: string) => lines.push(text), isTTY: false };
  const printer = new ProgressPrinter(out, goal);
  printer.show({ ...fleet, counts: { ...fleet.counts } }, at.ground.now() - MINUTE_MS);
  printer.show(fleet, at.ground.now());
  assert.match(lines.join(''), /waits for connection at cloud since .*Could not find Application Credential/);
  assert.doesNotMatch(lines.join(''), /ends about/);
}

async function launching(at: At): Promise<void> {
  const { stage, user, ground } = at;
  const fleet = await stage.create(user.order('web', 'cloud', site, 6, { instanceTimeoutSeconds: 1_200 }));
  await stage.until(fleet.id, ({ counts }) => (counts.Creating ?? 0) >= 6);
  const met = loseCredential(at);
  await ground.sleep(3 * MINUTE_MS);
  expectWaits(at, await stage.read(fleet.id), 'up');
  const [one] = await user.instances(fleet);
  assert.ok(one);
  assertIs('reason of the instance', (await user.instance(one.id)).waiting?.[0]?.why, 'connection');
  for (const one of met) one.end();
  await stage.until(fleet.id, ({ status, counts }) => status === 'Running' && counts.Running === 6);
}

async function removing(at: At): Promise<void> {
  const { stage, user, ground } = at;
  const fleet = await stage.create(user.order('web', 'cloud', site, 2));
  await stage.until(fleet.id, ({ status }) => status === 'Running');
  const met = loseCredential(at);
  await stage.remove(fleet.id);
  await ground.sleep(3 * MINUTE_MS);
  const stuck = await stage.read(fleet.id);
  assertIs('status', stuck.status, 'Terminating');
  expectWaits(at, stuck, 'gone');
  assertIs('status of the connection', (await user.connection('cloud')).status, 'Failed');
  for (const one of met) one.end();
  await stage.until(fleet.id, ({ status }) => status === 'Terminated');
}

/** Loses the credential before a fleet of six sends its first call. @returns the fleet, three minutes later */
async function losesFirst(at: At, lose: () => Met[], changes: Partial<FleetRequest> = {}) {
  const { stage, user, ground } = at;
  const met = lose();
  const asked = { ...user.order('web', 'cloud', site, 6, { instanceTimeoutSeconds: 600 }), ...changes };
  const fleet = await stage.create(asked);
  await ground.sleep(3 * MINUTE_MS);
  return { fleet: await stage.read(fleet.id), met };
}

async function never(at: At): Promise<void> {
  const { stage, ground } = at;
  const startMs = ground.now();
  const { fleet, met } = await losesFirst(at, () => loseCredential(at), { failurePolicy: 'rollback' });
  expectWaits(at, fleet, 'up');
  const { failures } = await stage.until(
    fleet.id,
    ({ status }) => status === 'RollingBack' || isOver(status),
  );
  const tookMs = ground.now() - startMs;
  assert.ok(tookMs < 14 * MINUTE_MS, `the fleet waited for ${tookMs} ms`);
  assertIs(
    'failures',
    failures.map(({ code, count }) => [code, count]),
    [['Unauthorized', 6]],
  );
  assert.ok(failures[0]?.example.includes(WORDS));
  for (const one of met) one.end();
  await stage.until(fleet.id, ({ status }) => status === 'RolledBack');
}

const isOver = (status: Fleet['status']) => status === 'RolledBack' || status === 'Failed';

const NOT_VALID = 'AWS was not able to validate the provided access credentials';
const awsRefusal = () => refusal(401, 'AuthFailure', NOT_VALID);
const spiderRefusal = () => Response.json({ message: `AuthFailure: ${NOT_VALID}` }, { status: 500 });

/** Plays a credential that is refused before the first create call and works again, at another driver's cloud. */
function playAt(driver: 'aws' | 'cb-spider', answer: () => Response): () => Promise<void> {
  const play = async <Own extends Worlds>(at: Field<Own>, { script }: Pick<CloudWorld, 'script'>) => {
    const { stage, user, ground } = at;
    await user.makeNamespace();
    await user.connect('cloud', SITES[driver]);
    const met = script.trouble({ call: /./, answer });
    const order = user.order('web', 'cloud', SITES[driver], 6, { instanceTimeoutSeconds: 1_200 });
    const fleet = await stage.create(order);
    await ground.sleep(3 * MINUTE_MS);
    assertMet('refused calls', met);
    const { waiting, failures } = await stage.read(fleet.id);
    assertIs('reason', [waiting?.[0]?.why, waiting?.[0]?.code], ['connection', 'Unauthorized']);
    assert.ok(
      waiting?.[0]?.message.includes(NOT_VALID),
      `EC2's words are not shown: ${waiting?.[0]?.message}`,
    );
    assertIs('failures', failures, []);
    met.end();
    await stage.until(fleet.id, ({ counts }) => counts.Running === 6);
    assertIs('status of the connection', (await user.connection('cloud')).status, 'Ready');
  };
  return driver === 'aws'
    ? () => inField({ worlds: () => ({ aws: new Ec2World() }) }, (at) => play(at, at.worlds.aws))
    : () =>
        inField({ worlds: (ground) => ({ 'cb-spider': new SpiderWorld(ground) }) }, (at) =>
          play(at, at.worlds['cb-spider']),
        );
}

function during(play: (at: At) => Promise<void>): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ openstack: new OpenStackWorld() }) }, async (at) => {
      await at.user.makeNamespace();
      await at.user.connect('cloud', site);
      await play(at);
    });
}

/** Before the fix, `--wait` showed an expected end that moved away, and a removal said nothing. */
export const f39: FieldCase[] = [
  {
    id: 'F39',
    title:
      'a fleet whose credential is deleted during its launch waits for the connection, with the words of Keystone',
    play: during(launching),
  },
  {
    id: 'F39-removal',
    title:
      'a removal whose credential is deleted waits for the connection, and goes on with a valid credential',
    play: during(removing),
  },
  {
    id: 'F39-never',
    title:
      'a fleet whose credential never works fails by its time limit with the words of Keystone, and its rollback goes on with a valid credential',
    play: during(never),
  },
  {
    id: 'F39-aws',
    title:
      'launches wait while EC2 and STS refuse the credential, and go on without a verification by a user',
    play: playAt('aws', awsRefusal),
  },
  {
    id: 'F39-cb-spider',
    title:
      'launches wait while CB-Spider shows that the cloud refuses the credential at home as well, and go on afterwards',
    play: playAt('cb-spider', spiderRefusal),
  },
];
