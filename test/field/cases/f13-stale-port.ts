import assert from 'node:assert/strict';
import { machineName } from '../../../functions/drivers/contract/names.ts';
import { DEPLOYMENT } from '../../chaos/models/clouds.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Port } from '../worlds/openstack/state.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

const MINUTE_MS = 60_000;
const FOREIGN_SERVER = '99999999-0000-4000-8000-000000000001';

interface Stray {
  /** Changes the port that Nova left behind when it deleted the fleet's only server. */
  port(stale: Required<Port>): Port;
  isRemoved: boolean;
  /** Absent: a shared network, in which only the id of an instance leads to the record of a port's machine. */
  network?: { mode: 'dedicated' };
}

/** A port is left in the fleet's network after the fleet's server was deleted. */
function play({ port, isRemoved, ...wanted }: Stray): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ openstack: new OpenStackWorld() }) }, async (at) => {
      const { stage, user, worlds, ground } = at;
      const { openstack } = worlds;
      const site = SITES.openstack;
      await user.makeNamespace();
      await user.connect('cloud', site);
      const fleet = await stage.create({ ...user.order('web', 'cloud', site, 1), ...wanted });
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const [server] = openstack.standing(ground.now());
      assert.ok(server);
      const stale = {
        id: 'stale-port-1',
        name: machineName(DEPLOYMENT, `${fleet.id}-00000.1`),
        description: '',
        device_owner: 'compute:nova',
        device_id: server.id,
        network_id: server.networkId,
        fixed_ips: [],
      };
      const project = openstack.project();
      project.strayPorts.push(port(stale));
      await stage.remove(fleet.id);
      if (isRemoved) {
        await stage.until(fleet.id, ({ status }) => status === 'Terminated');
        assertIs('ports that are left', project.strayPorts, []);
        return;
      }
      const removedAtMs = ground.now();
      await ground.sleep(10 * MINUTE_MS);
      assertIs('ports that are left', project.strayPorts.length, 1);
      assertIs('deletions of ports', openstack.script.calls(/^DELETE neutron \/ports/, removedAtMs), []);
      const [reason] = (await stage.read(fleet.id)).waiting ?? [];
      assertIs('reason', [reason?.why, reason?.resource?.kind], ['removal', 'network']);
      assert.ok(reason?.message.includes('port stale-port-1'), `the port is not named: ${reason?.message}`);
      project.strayPorts.length = 0;
      await stage.remove(fleet.id);
      await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    });
}

const kept = (id: string, title: string, port: Stray['port']): FieldCase => ({
  id: `F13-${id}`,
  title,
  play: play({ port, isRemoved: false }),
});

/** Before the fix, each of these ports kept the network for ever, without a word. */
export const f13: FieldCase[] = [
  {
    id: 'F13',
    title: 'a port with our name whose server is gone and stands in our records is removed with the network',
    play: play({ port: (stale) => stale, isRemoved: true }),
  },
  {
    id: 'F13-description',
    title: 'a port whose description is ours is removed as well',
    play: play({
      port: (stale) => ({ ...stale, name: '', description: `fleetwright:deployment=${DEPLOYMENT}` }),
      isRemoved: true,
      network: { mode: 'dedicated' },
    }),
  },
  {
    id: 'F13-nova',
    title:
      'a port that Nova made without a name is marked before its server is removed, and goes with the network',
    play: play({ port: (stale) => ({ ...stale, name: '' }), isRemoved: true }),
  },
  kept('foreign-server', 'a port with our name whose server is in no record is kept and named', (stale) => ({
    ...stale,
    device_id: FOREIGN_SERVER,
  })),
  kept('no-name', 'a port without our name is kept, even if its server stands in our records', (stale) => ({
    ...stale,
    name: 'port-of-a-user',
  })),
  kept('other-owner', 'a port of a load balancer is kept and named', (stale) => ({
    ...stale,
    device_owner: 'Octavia',
    device_id: 'lb-1',
  })),
];
