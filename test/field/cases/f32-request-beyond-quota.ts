import assert from 'node:assert/strict';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { HUGE_FLAVOR, LARGE_FLAVOR } from '../worlds/openstack/nova.ts';
import type { Quota } from '../worlds/openstack/state.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

const CREATE = 'POST nova /servers';
type Nova = Field<{ openstack: OpenStackWorld }>;

/** Plays a case at an OpenStack whose project has these quotas. */
function atQuota(quota: Quota, play: (field: Nova) => Promise<void>): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ openstack: new OpenStackWorld() }) }, async (field) => {
      field.worlds.openstack.project().quota = quota;
      await field.user.makeNamespace();
      await field.user.connect('cloud', SITES.openstack);
      await play(field);
    });
}

async function ask({ stage, user }: Nova, name: string, instanceType: string, size: number): Promise<Fleet> {
  const site = { ...SITES.openstack, instanceType };
  const fleet = await stage.create(user.order(name, 'cloud', site, size));
  return await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
}

async function quotasShown({ user }: Nova): Promise<string[]> {
  const { governor } = await user.limits('cloud');
  return governor.locations.flatMap(({ reasons }) =>
    reasons.flatMap((reason) => (reason.why === 'quota' ? [reason.of] : [])),
  );
}

const { instanceType: SMALL_FLAVOR } = SITES.openstack;

/** Before the fix, each refusal closed the family of the flavor, here `m1`. */
export const f32: FieldCase[] = [
  {
    id: 'F32',
    title:
      'a flavor with more memory than the whole quota fails alone, and another fleet launches small ones',
    play: atQuota({ ramMb: 200_000 }, async (field) => {
      const huge = await ask(field, 'huge', HUGE_FLAVOR, 1);
      assertIs('status of the fleet that asks too much', huge.status, 'Failed');
      assert.ok(JSON.stringify(huge.failures).includes('Requested 1000000'), JSON.stringify(huge.failures));
      assertIs('quotas that are shown as used up', await quotasShown(field), []);
      const small = await ask(field, 'small', SMALL_FLAVOR, 3);
      assertIs('status of the other fleet', small.status, 'Running');
    }),
  },
  {
    id: 'F32-instances',
    title: 'a used-up quota of instances closes all flavors, and the refusal names the fleet that met it',
    play: atQuota({ instances: 2 }, async (field) => {
      const first = await ask(field, 'first', SMALL_FLAVOR, 3);
      assertIs('running instances of the first fleet', first.counts.Running, 2);
      assertIs('quotas that are shown as used up', await quotasShown(field), ['instances']);
      const before = field.worlds.openstack.script.calls(CREATE).length;
      const second = await ask(field, 'second', LARGE_FLAVOR, 1);
      assertIs('status of the second fleet', second.status, 'Failed');
      const after = field.worlds.openstack.script.calls(CREATE).length;
      assertIs('creates that the second fleet sent', after - before, 0);
      const told = JSON.stringify(second.failures);
      assert.ok(told.includes('Quota exceeded for instances') && told.includes(first.id), told);
    }),
  },
  {
    id: 'F32-memory',
    title:
      'a quota of memory that is used up but for a rest closes only the flavors that do not fit the rest',
    play: atQuota({ ramMb: 18_000 }, async (field) => {
      const large = await ask(field, 'large', LARGE_FLAVOR, 3);
      assertIs('running instances of the first fleet', large.counts.Running, 2);
      assertIs('quotas that are shown as used up', await quotasShown(field), ['memoryGb']);
      const before = field.worlds.openstack.script.calls(CREATE).length;
      const second = await ask(field, 'second', LARGE_FLAVOR, 1);
      assertIs('status of the second fleet', second.status, 'Failed');
      const after = field.worlds.openstack.script.calls(CREATE).length;
      assertIs('creates that the second fleet sent', after - before, 0);
      // Of 18,000 MiB, two large servers leave 1,616 MiB, and a small one needs 2,048 MiB.
      field.worlds.openstack.project().quota = { ramMb: 19_000 };
      const third = await ask(field, 'third', SMALL_FLAVOR, 1);
      assertIs(
        'status of the fleet whose flavor does not fit the rest that Nova told',
        third.status,
        'Failed',
      );
    }),
  },
  {
    id: 'F32-rest',
    title: 'a small flavor that fits the rest of a quota of memory is launched',
    play: atQuota({ ramMb: 20_000 }, async (field) => {
      const large = await ask(field, 'large', LARGE_FLAVOR, 3);
      assertIs('running instances of the first fleet', large.counts.Running, 2);
      const small = await ask(field, 'small', SMALL_FLAVOR, 1);
      assertIs('status of the fleet with a small flavor', small.status, 'Running');
    }),
  },
  {
    id: 'F33',
    title:
      'the retry of a fleet asks the cloud immediately, after the refusal of another fleet closed the quota',
    play: atQuota({ instances: 2 }, async (field) => {
      await ask(field, 'first', SMALL_FLAVOR, 3);
      const second = await ask(field, 'second', LARGE_FLAVOR, 2);
      assertIs('status of the second fleet', second.status, 'Failed');
      const { openstack } = field.worlds;
      openstack.project().quota = { instances: 10 };
      const askedAtMs = field.ground.now();
      await field.stage.act(second.id, 'retry');
      const ended = await field.stage.until(
        second.id,
        ({ status, counts }) => status === 'Running' || (status === 'Failed' && counts.Failed === 2),
      );
      assertIs('status of the second fleet after its retry', ended.status, 'Running');
      const [asked] = openstack.script.calls(CREATE, askedAtMs);
      const waitedMs = (asked?.atMs ?? Number.POSITIVE_INFINITY) - askedAtMs;
      assert.ok(waitedMs < 10_000, `the retry asked the cloud only after ${waitedMs} ms`);
    }),
  },
  {
    id: 'F33-again',
    title: 'a retry that meets the quota again fails with the words of the answer to its own request',
    play: atQuota({ instances: 2 }, async (field) => {
      await ask(field, 'first', SMALL_FLAVOR, 3);
      const second = await ask(field, 'second', LARGE_FLAVOR, 1);
      const { openstack } = field.worlds;
      const askedAtMs = field.ground.now();
      await field.stage.act(second.id, 'retry');
      await field.stage.until(second.id, ({ status }) => status === 'Creating' || status === 'Preparing');
      await field.stage.until(second.id, ({ status }) => status === 'Failed');
      assertIs('creates that the retry sent', openstack.script.calls(CREATE, askedAtMs).length, 1);
      const [instance] = await field.user.instances(second);
      const told = JSON.stringify(instance?.failure);
      assert.ok(told.includes('Quota exceeded') && !told.includes('no request was sent'), told);
    }),
  },
];
