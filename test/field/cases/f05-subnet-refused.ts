import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Asked } from '../worlds/asked.ts';
import { parametersOf, textAt } from '../worlds/ec2/query.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const [EAST, WEST] = ['us-east-1', 'us-west-2'] as const;
const zoneOf = ({ text }: Asked) => textAt(parametersOf(text), 'AvailabilityZone');

/** Returns EC2's answer to a request for a subnet in a zone that takes no new subnets. */
const noSubnets = (asked: Asked, open: string) =>
  refusal(
    400,
    'InvalidParameterValue',
    `Value (${zoneOf(asked)}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: ${open}.`,
  );

/** @param closed the zones that take no new subnets */
function play(closed: readonly string[], left: readonly string[]): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ aws: new Ec2World({ regions: [EAST, WEST] }) }) }, async (field) => {
      const { stage, user, worlds, ground } = field;
      await user.makeNamespace();
      await user.connect('cloud', SITES.aws);
      const met = worlds.aws.script.trouble({
        call: 'CreateSubnet',
        when: (asked) => closed.includes(zoneOf(asked)),
        answer: (asked) => noSubnets(asked, 'us-east-1b, us-east-1c'),
      });
      const order = user.order('web', 'cloud', SITES.aws, 12);
      const [group] = order.nodeGroups;
      assert.ok(group);
      const locations = left.length > 0 ? [EAST] : [EAST, WEST];
      const fleet = await stage.create({ ...order, nodeGroups: [{ ...group, locations }] });
      const up = await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
      assert.equal(up.status, 'Running', JSON.stringify(up.failures));
      assertMet('refused subnets', met, closed.length);
      const machines = worlds.aws.standing(ground.now());
      const zones = Map.groupBy(machines, ({ zone }) => zone);
      if (left.length === 0) {
        assert.ok(machines.every(({ zone }) => zone.startsWith(WEST)));
        assertIs('machines at the other location', machines.length, 12);
      } else {
        assertIs('zones with machines', [...zones.keys()].sort(), [...left]);
        for (const [zone, of] of zones) assertIs(`machines in ${zone}`, of.length, 12 / left.length);
      }
      const shown = await user.instances(fleet);
      assertIs(
        'zones that the instances show',
        shown.map(({ zone }) => zone).sort(),
        machines.map(({ zone }) => zone).sort(),
      );
      await stage.remove(fleet.id);
      await stage.until(fleet.id, ({ status }) => status === 'Terminated');
      for (const region of [EAST, WEST]) assertIs('subnets', worlds.aws.region(region).partsOf('subnet'), []);
    });
}

/** Before the fix, the network failed as InvalidRequest, and no instance was launched. */
export const f05: FieldCase[] = [
  {
    id: 'F5',
    title:
      'a network consists of the zones that take a subnet, and the instances are spread over these zones',
    play: play(['us-east-1a'], ['us-east-1b', 'us-east-1c']),
  },
  {
    id: 'F5-none-left',
    title: 'instances move to another location if no zone takes a subnet',
    play: play(['us-east-1a', 'us-east-1b', 'us-east-1c'], []),
  },
];
