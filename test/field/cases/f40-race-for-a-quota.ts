import assert from 'node:assert/strict';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { LARGE_FLAVOR } from '../worlds/openstack/nova.ts';
import type { Quota } from '../worlds/openstack/state.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

type Nova = Field<{ openstack: OpenStackWorld }>;
const { instanceType: SMALL_FLAVOR } = SITES.openstack;
const MINUTE_MS = 60_000;
/** Time in which all creates of a burst reach Nova's API, before any of them is counted. */
const RACE_MS = 3_000;

function atQuota(quota: Quota, play: (field: Nova) => Promise<void>): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ openstack: new OpenStackWorld({ bootMs: 20_000 }) }) }, async (field) => {
      field.worlds.openstack.project().quota = quota;
      await field.user.makeNamespace();
      await field.user.connect('cloud', SITES.openstack);
      await play(field);
    });
}

async function ask({ stage, user }: Nova, name: string, size: number, flavor = SMALL_FLAVOR): Promise<Fleet> {
  return await stage.create(user.order(name, 'cloud', { ...SITES.openstack, instanceType: flavor }, size));
}

/** Creates fleets of one machine each. Their creates reach the cloud within seconds, one call for each. */
async function askSingly(field: Nova, count: number, flavor = SMALL_FLAVOR): Promise<Fleet[]> {
  const names = Array.from({ length: count }, (_, at) => `single-${at}`);
  return await Promise.all(names.map((name) => ask(field, name, 1, flavor)));
}

const sizeOf = ({ counts }: Fleet) => counts.requested;

async function ended({ stage }: Nova, fleets: readonly Fleet[]): Promise<Fleet[]> {
  return await Promise.all(
    fleets.map((fleet) =>
      stage.until(fleet.id, ({ counts }) => (counts.Running ?? 0) + (counts.Failed ?? 0) === sizeOf(fleet)),
    ),
  );
}

const sum = (fleets: readonly Fleet[], status: 'Running' | 'Failed') =>
  fleets.reduce((total, { counts }) => total + (counts[status] ?? 0), 0);

/** Checks that the quota is full, that the other instances failed with its words, and that nothing is left over. */
async function assertFilled(field: Nova, fleets: readonly Fleet[], running: number, words: RegExp) {
  const now = await ended(field, fleets);
  const size = now.reduce((total, fleet) => total + sizeOf(fleet), 0);
  assertIs('running instances', sum(now, 'Running'), running);
  assertIs('failed instances', sum(now, 'Failed'), size - running);
  for (const fleet of now) {
    for (const { status, failure } of await field.user.instances(fleet)) {
      if (status === 'Running') continue;
      assertIs('code of the failure', failure?.code, 'QuotaExceeded');
      assert.match(failure?.message ?? '', words);
    }
  }
  await field.ground.sleep(MINUTE_MS);
  const { openstack } = field.worlds;
  const made = [...openstack.project().servers.values()];
  assert.ok(
    made.some(({ stuck }) => stuck?.status === 'ERROR'),
    'no server exceeded the quota after its create call was accepted',
  );
  const left = openstack.standing(field.ground.now());
  assertIs('servers at the cloud', left.length, running);
  assertIs('servers in ERROR', left.filter(({ stuck }) => stuck?.status === 'ERROR').length, 0);
}

/** Time in which EC2 shows why it ends a machine. It is longer than the time between two polls, so that one sees it. */
const ENDING_MS = 8_000;

const NO_VOLUMES = {
  code: 'Client.VolumeLimitExceeded',
  message: 'Client.VolumeLimitExceeded: Volume limit exceeded',
};

/** EC2 accepts three machines, and ends two of them because the quota of volumes is used up. */
async function volumes(isRaised: boolean): Promise<void> {
  const worlds = () => ({ aws: new Ec2World({ bootMs: MINUTE_MS }) });
  await inField({ worlds }, async ({ stage, user, worlds: { aws }, ground }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES.aws);
    const fleet = await stage.create(user.order('web', 'cloud', SITES.aws, 3));
    await stage.until(fleet.id, () => aws.standing(ground.now()).length === 3);
    const known = new Set<string>();
    const endTwo = () => {
      const fresh = aws.standing(ground.now()).filter(({ id }) => !known.has(id));
      for (const machine of fresh.slice(0, known.size === 0 ? 2 : fresh.length))
        Object.assign(machine, {
          endsAtMs: ground.now() + ENDING_MS,
          reason: NO_VOLUMES,
          forgetsReason: true,
        });
      for (const { id } of fresh) known.add(id);
    };
    endTwo();
    const now = await stage.until(fleet.id, ({ counts }) => {
      if (!isRaised) endTwo();
      return (counts.Running ?? 0) + (counts.Failed ?? 0) === 3;
    });
    assertIs('running instances', now.counts.Running, isRaised ? 3 : 1);
    const failures = (await user.instances(now)).flatMap(({ failure }) => (failure ? [failure] : []));
    for (const failure of failures) {
      assertIs('code of the failure', failure.code, 'QuotaExceeded');
      assertIs('message of the failure', failure.message, NO_VOLUMES.message);
    }
    assert.ok(known.size <= 7, `EC2 made ${known.size} machines for three instances`);
  });
}

/** Before the fix, servers in ERROR by the quota ended as `CloudFailed`, and a part of the quota stayed free. */
export const f40: FieldCase[] = [
  {
    id: 'F40',
    title: 'twelve machines asked at once fill a quota of five, and the others fail with its words',
    play: atQuota({ instances: 5, storedAfterMs: RACE_MS }, async (field) => {
      await assertFilled(field, [await ask(field, 'web', 12)], 5, /quota exceeded/i);
    }),
  },
  {
    id: 'F40-all',
    title: 'machines fill a quota although Nova first put all of them into ERROR, because they came together',
    play: atQuota({ instances: 5, storedAfterMs: RACE_MS, isRecountLate: true }, async (field) => {
      await assertFilled(field, [await ask(field, 'web', 12)], 5, /quota exceeded/i);
    }),
  },
  {
    id: 'F40-single',
    title: 'twelve fleets of one machine each fill a quota of three, although their creates race for it',
    play: atQuota({ instances: 3, storedAfterMs: RACE_MS, isRecountLate: true }, async (field) => {
      await assertFilled(field, await askSingly(field, 12), 3, /quota exceeded/i);
    }),
  },
  {
    id: 'F40-unlisted',
    title: 'machines fill a quota although only the read of a single server tells that it exceeded the quota',
    play: atQuota({ instances: 5, storedAfterMs: RACE_MS, hidesFaults: true }, async (field) => {
      await assertFilled(field, [await ask(field, 'web', 12)], 5, /quota exceeded/i);
    }),
  },
  {
    id: 'F40-volumes',
    title: 'machines that EC2 ends because the quota of volumes is used up are replaced when there is room',
    play: () => volumes(true),
  },
  {
    id: 'F40-volumes-full',
    title:
      'instances whose machines EC2 ends by the quota of volumes fail with its words after three machines',
    play: () => volumes(false),
  },
  {
    id: 'F40-dies',
    title:
      'machines that race for a quota fill it, and none is left over, although all workers die again and again',
    play: atQuota({ instances: 5, storedAfterMs: RACE_MS, isRecountLate: true }, async (field) => {
      const { lab, stage, worlds, ground } = field;
      const fleet = await ask(field, 'web', 12);
      await stage.until(fleet.id, () => worlds.openstack.standing(ground.now()).length > 5);
      let deaths = 0;
      for (let time = 0; time < 60; time += 1) {
        await ground.sleep(700);
        deaths += lab.killWorkers('the case');
      }
      assert.ok(deaths > 0, 'no worker was busy when the case killed them');
      await assertFilled(field, [fleet], 5, /quota exceeded/i);
    }),
  },
  {
    id: 'F40-cores',
    title: 'machines that race for a quota of cores fill it, and those beyond it fail with its words',
    play: atQuota({ cores: 14, storedAfterMs: RACE_MS, isRecountLate: true }, async (field) => {
      await assertFilled(field, await askSingly(field, 6, LARGE_FLAVOR), 3, /quota exceeded.*cores/i);
    }),
  },
  {
    id: 'F40-beside',
    title:
      'a fleet that runs beside a race for the quota is not touched, and a later retry fills a raised quota',
    play: atQuota({ instances: 5, storedAfterMs: RACE_MS }, async (field) => {
      const beside = await ask(field, 'beside', 2);
      await ended(field, [beside]);
      const racing = await askSingly(field, 6);
      await assertFilled(field, [beside, ...racing], 5, /quota exceeded/i);
      const [after] = await ended(field, [beside]);
      assertIs('running instances of the fleet beside', after?.counts.Running, 2);
      field.worlds.openstack.project().quota = { instances: 20 };
      const failed = (await ended(field, racing)).filter(({ counts }) => counts.Failed === 1);
      for (const { id } of failed) await field.stage.act(id, 'retry');
      await Promise.all(failed.map(({ id }) => field.stage.until(id, ({ counts }) => counts.Running === 1)));
    }),
  },
];
