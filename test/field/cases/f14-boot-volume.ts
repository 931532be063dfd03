import assert from 'node:assert/strict';
import { DEPLOYMENT_TAG } from '../../../functions/drivers/contract/driver.ts';
import type { Fleet } from '../../../functions/model/fleet.ts';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import { DEPLOYMENT } from '../../chaos/models/clouds.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { LARGE_FLAVOR } from '../worlds/openstack/nova.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

type Nova = Field<{ openstack: OpenStackWorld }>;
const SITE = SITES.openstack;
const MINUTE_MS = 60_000;
/** Larger than the disks of the flavors, so that each server boots from a volume. */
const DISK_GB = 200;

function withCinder(
  play: (field: Nova) => Promise<void>,
  options: ConstructorParameters<typeof OpenStackWorld>[0] = {},
): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ openstack: new OpenStackWorld(options) }) }, async (field) => {
      await field.user.makeNamespace();
      await field.user.connect('cloud', SITE);
      await play(field);
    });
}

/** Returns a fleet whose servers boot from volumes. */
function order({ user }: Nova, size: number, seconds?: number): FleetRequest {
  const traits = seconds === undefined ? {} : { instanceTimeoutSeconds: seconds };
  const request = user.order('web', 'cloud', SITE, size, traits);
  return { ...request, nodeGroups: request.nodeGroups.map((group) => ({ ...group, rootDiskGb: DISK_GB })) };
}

const volumesOf = ({ worlds }: Nova) => [...worlds.openstack.project().volumes.values()];

const hasEnded = ({ counts }: Fleet) => (counts.Running ?? 0) + (counts.Failed ?? 0) === counts.requested;

/** Breaks each server as soon as Nova has accepted it, before it uses its volume. */
function breakServers({ worlds, ground }: Nova): void {
  const { script } = worlds.openstack;
  const broken = new Set<string>();
  script.trouble({
    call: 'GET nova /servers/detail',
    answer: () => {
      for (const server of worlds.openstack.standing(ground.now())) {
        if (broken.has(server.id)) continue;
        broken.add(server.id);
        server.stuck = {
          status: 'ERROR',
          fault: 'Build of instance aborted: Volume did not finish attaching',
        };
      }
      return undefined;
    },
  });
}

async function removed(field: Nova, fleet: Fleet): Promise<void> {
  await field.stage.remove(fleet.id);
  await field.stage.until(fleet.id, ({ status }) => status === 'Terminated');
}

export const f14: FieldCase[] = [
  {
    id: 'F14',
    title: 'a server with a boot volume ends in ERROR, and its volume is removed with it',
    play: withCinder(async (field) => {
      breakServers(field);
      const fleet = await field.stage.create(order(field, 3));
      const made = await field.stage.until(fleet.id, () => volumesOf(field).length === 3);
      assert.ok(made);
      for (const { metadata } of volumesOf(field)) assertIs('owner', metadata[DEPLOYMENT_TAG], DEPLOYMENT);
      const { counts, failures } = await field.stage.until(
        fleet.id,
        (now) => hasEnded(now) && volumesOf(field).length === 0,
      );
      assertIs('failed instances', counts.Failed, 3);
      assert.match(failures[0]?.example ?? '', /Volume did not finish attaching/);
      assertIs('servers that are left', field.worlds.openstack.standing(field.ground.now()), []);
      await removed(field, fleet);
      assertIs('findings of sweeps', await field.user.orphans(), []);
    }),
  },
  {
    id: 'F14-runs',
    title: 'a server boots from a volume of the asked size, which is removed with the server',
    play: withCinder(async (field) => {
      const fleet = await field.stage.create(order(field, 3));
      await field.stage.until(fleet.id, ({ status }) => status === 'Running');
      assertIs(
        'sizes of the volumes',
        volumesOf(field).map(({ sizeGb }) => sizeGb),
        [DISK_GB, DISK_GB, DISK_GB],
      );
      await field.user.sweep();
      assertIs('findings of a sweep', await field.user.orphans(), []);
      await removed(field, fleet);
      assertIs('volumes that are left', volumesOf(field), []);
    }),
  },
  {
    id: 'F14-stuck',
    title: 'a volume that cannot be removed keeps its instance Terminating, with the words of Cinder',
    play: withCinder(async (field) => {
      const { stage, user, worlds, ground } = field;
      breakServers(field);
      const fleet = await stage.create(order(field, 1));
      await stage.until(fleet.id, () => worlds.openstack.standing(ground.now()).length === 1);
      for (const volume of volumesOf(field)) volume.stuck = 'reserved';
      await stage.remove(fleet.id);
      await ground.sleep(10 * MINUTE_MS);
      const [instance] = await user.instances(fleet);
      assertIs('status', instance?.status, 'Terminating');
      assert.match(instance?.stuck?.message ?? '', /Volume status must be available or error/);
      assert.ok((instance?.stuck?.tries ?? 0) > 3, `tries: ${instance?.stuck?.tries}`);
      const [reason] = (await stage.read(fleet.id)).waiting ?? [];
      assertIs('reason', reason?.why, 'removal');
      for (const volume of volumesOf(field)) delete volume.stuck;
      await removed(field, fleet);
      assertIs('volumes that are left', volumesOf(field), []);
    }),
  },
  {
    id: 'F14-refused',
    title: 'Nova refuses the server after its volume was made, and the volume is removed',
    play: withCinder(async (field) => {
      field.worlds.openstack.project().quota = { instances: 2 };
      const fleet = await field.stage.create(order(field, 5));
      const { counts } = await field.stage.until(fleet.id, hasEnded);
      assertIs('instances', [counts.Running, counts.Failed], [2, 3]);
      assertIs('volumes', volumesOf(field).length, 2);
      await removed(field, fleet);
      assertIs('volumes that are left', volumesOf(field), []);
    }),
  },
  {
    id: 'F14-quota',
    title: 'a used-up quota of volumes fails the launches that need volumes, and no others',
    play: withCinder(async (field) => {
      const { stage, user, worlds } = field;
      worlds.openstack.project().quota = { volumes: 2 };
      const fleet = await stage.create(order(field, 4));
      const { counts, failures } = await stage.until(fleet.id, hasEnded);
      assertIs('instances', [counts.Running, counts.Failed], [2, 2]);
      assertIs('code', failures[0]?.code, 'QuotaExceeded');
      assert.match(failures[0]?.example ?? '', /Maximum number of volumes allowed \(2\) exceeded/);
      const site = { ...SITE, instanceType: LARGE_FLAVOR };
      const other = await stage.create(user.order('plain', 'cloud', site, 2));
      await stage.until(other.id, ({ status }) => status === 'Running' || status === 'Failed');
      assertIs('running instances without volumes', (await stage.read(other.id)).counts.Running, 2);
    }),
  },
  {
    id: 'F14-slow',
    title: 'a volume that takes minutes is waited for, and the server then boots from it',
    play: withCinder(
      async (field) => {
        const fleet = await field.stage.create(order(field, 2));
        await field.stage.until(fleet.id, ({ status }) => status === 'Running');
        assertIs('volumes', volumesOf(field).length, 2);
        assertIs(
          'requests for volumes',
          field.worlds.openstack.script.calls('POST cinder /volumes').length,
          2,
        );
        await removed(field, fleet);
        assertIs('volumes that are left', volumesOf(field), []);
      },
      { volumeMs: 3 * MINUTE_MS },
    ),
  },
  {
    id: 'F14-withdrawn',
    title: 'a fleet is deleted while its volumes are still made, and the volumes are removed',
    play: withCinder(
      async (field) => {
        const fleet = await field.stage.create(order(field, 2));
        await field.stage.until(fleet.id, () => volumesOf(field).length === 2);
        await field.ground.sleep(15_000);
        await removed(field, fleet);
        assertIs('volumes that are left', volumesOf(field), []);
      },
      { volumeMs: MINUTE_MS },
    ),
  },
  {
    id: 'F14-lost',
    title: 'the reply to the request for a volume is lost, and the launch finds the volume by its name',
    play: withCinder(async (field) => {
      const { script } = field.worlds.openstack;
      const met = script.trouble({ call: 'POST cinder /volumes', losesReply: true, times: 2 });
      const fleet = await field.stage.create(order(field, 2));
      await field.stage.until(fleet.id, ({ status }) => status === 'Running');
      assertMet('lost replies', met, 2);
      assertIs('volumes', volumesOf(field).length, 2);
      await removed(field, fleet);
      assertIs('volumes that are left', volumesOf(field), []);
    }),
  },
  {
    id: 'F14-left',
    title: 'a volume that shows up after its instance has failed is listed by the sweep, then removed',
    play: withCinder(async (field) => {
      const { stage, user, worlds, ground } = field;
      const { script } = worlds.openstack;
      // Cinder makes the volume long after the launch has given up.
      const met = script.trouble({ call: 'POST cinder /volumes', lateMs: 3 * MINUTE_MS, losesReply: true });
      const fleet = await stage.create(order(field, 1, 60));
      await stage.until(fleet.id, hasEnded);
      met.end();
      await ground.sleep(4 * MINUTE_MS);
      assertMet('late requests', met);
      assert.ok(volumesOf(field).length > 0, 'no volume is left');
      const [found] = (await user.sweep()).findings;
      assertIs(
        'finding',
        [found?.kind, found?.reason, found?.state],
        ['volume', 'record-closed', 'Quarantined'],
      );
      await ground.sleep(31 * MINUTE_MS);
      await user.sweep();
      await ground.sleep(MINUTE_MS);
      assertIs('volumes that are left', volumesOf(field), []);
      const states = (await user.orphans()).map(({ kind, state }) => [kind, state]);
      assertIs('findings', states, [['volume', 'Terminated']]);
    }),
  },
  {
    id: 'F14-foreign',
    title: 'volumes of others, and a restored copy of our volume, are never removed',
    play: withCinder(async (field) => {
      const { stage, user, worlds, ground } = field;
      const project = worlds.openstack.project();
      const fleet = await stage.create(order(field, 1));
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const [own] = volumesOf(field);
      assert.ok(own);
      const add = (id: string, over: Partial<typeof own>) =>
        project.volumes.set(id, { ...own, ...over, id, createdAtMs: ground.now() + 120 * MINUTE_MS });
      add('foreign-1', { name: 'database', metadata: {} });
      add('foreign-2', { metadata: { ...own.metadata, [DEPLOYMENT_TAG]: 'another' } });
      add('copy-1', {});
      await removed(field, fleet);
      await user.sweep();
      await ground.sleep(60 * MINUTE_MS);
      await user.sweep();
      assertIs(
        'volumes',
        volumesOf(field).map(({ id }) => id),
        ['foreign-1', 'foreign-2', 'copy-1'],
      );
      assertIs(
        'findings',
        (await user.orphans()).map(({ backendId, reason, state }) => [backendId, reason, state]),
        [['copy-1', 'copy', 'Reported']],
      );
    }),
  },
];
