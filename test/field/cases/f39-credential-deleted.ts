import assert from 'node:assert/strict';
import { ProgressPrinter } from '../../../cli/shell/progress.ts';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import type { Met } from '../worlds/script.ts';

const MINUTE_MS = 60_000;
const WORDS = 'Could not find Application Credential: credential-1.';
const site = SITES.openstack;
type At = Field<{ openstack: OpenStackWorld }>;

/** Keystone has lost the application credential: it issues no token, and refuses the tokens that it issued. */
function loseCredential({ worlds }: At): Met[] {
  const { script } = worlds.openstack;
  const refusal = (code: number, message: string) =>
    Response.json(
      { error: { code, title: code === 401 ? 'Unauthorized' : 'Not Found', message } },
      { status: code },
    );
  return [
    script.trouble({ call: /^POST keystone /, answer: () => refusal(404, WORDS) }),
    script.trouble({
      call: /^\w+ (nova|neutron|glance) /,
      answer: () => refusal(401, 'The request you have made requires authentication.'),
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
];
