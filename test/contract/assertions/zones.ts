import assert from 'node:assert/strict';
import type { NetworkZone } from '../../../functions/drivers/contract/driver.ts';
import { assertions } from '../suite/assertion.ts';
import { assertUnique } from '../suite/checks.ts';
import { layGround } from '../suite/ground.ts';
import type { Lab } from '../suite/lab.ts';

/** Number of zones in which the suite makes a machine. */
const MOST_ZONES = 3;

async function zonesOf({ client, cloud }: Lab, name: string): Promise<NetworkZone[]> {
  const spec = { location: cloud.location, name, cidr: '10.20.0.0/16', tags: {} };
  return (await client.ensureNetwork(spec)).zones ?? [];
}

export const ZONES = assertions([
  {
    id: 'zones.network',
    title:
      'a network has zones of its location, each once and sorted by name, and a repeated request returns the same',
    needs: 'zones',
    async run(lab) {
      const name = lab.name();
      const zones = await zonesOf(lab, name);
      assert.ok(zones.length > 0, 'the network has no zones');
      const names = zones.map(({ zone }) => zone);
      assertUnique('zone', names);
      assert.deepEqual(names, names.toSorted());
      const location = (await lab.client.listLocations()).find((one) => one.name === lab.cloud.location);
      for (const zone of names) assert.ok(location?.zones.includes(zone), `the location has no zone ${zone}`);
      assert.deepEqual(await zonesOf(lab, name), zones);
    },
  },
  {
    id: 'zones.machine',
    title: 'a machine is created in the zone that its spec names, for each zone of its network',
    needs: 'zones',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const { forSpecs } = await layGround(client, cloud.location, name, cloud.publicKey);
      for (const { zone, subnetBackendId } of (await zonesOf(lab, name)).slice(0, MOST_ZONES)) {
        const spec = await lab.spec({
          ...forSpecs,
          zone,
          ...(subnetBackendId === undefined ? {} : { subnetBackendId }),
        });
        const { backendId } = await client.createInstance(spec);
        const machine = await lab.untilStatus({ backendId }, 'Running');
        assert.equal(machine.zone, zone);
      }
    },
  },
]);
