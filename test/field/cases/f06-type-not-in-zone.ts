import assert from 'node:assert/strict';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { zoneOfLaunch } from '../harness/zone-of-launch.ts';
import type { Asked } from '../worlds/asked.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const [EAST, WEST] = ['us-east-1', 'us-west-2'] as const;
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const SIZE = 12;

interface Played {
  /** The zones that do not have the type. */
  without: readonly string[];
  locations: string[];
  answer?: (zone: string) => Response;
  /** Number of instances that run in the end, by zone. Absent: all instances fail. */
  running?: Readonly<Record<string, number>>;
}

/** Returns EC2's answer to a launch of a type that the zone does not have. */
const unsupported = (zone: string) =>
  refusal(
    400,
    'Unsupported',
    `Your requested instance type (m6i.large) is not supported in your requested Availability Zone (${zone}). Please retry your request by not specifying an Availability Zone or choosing us-east-1b, us-east-1c.`,
  );

const noAddresses = (zone: string) =>
  refusal(
    400,
    'InsufficientFreeAddressesInSubnet',
    `There are not enough free addresses in the subnet of ${zone} to satisfy the requested number of instances.`,
  );

const goneSubnet = (zone: string) =>
  refusal(400, 'InvalidSubnetID.NotFound', `The subnet ID of ${zone} does not exist`);

function play({ without, locations, running, answer = unsupported }: Played): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ aws: new Ec2World({ regions: [EAST, WEST] }) }) }, async (field) => {
      const { stage, user, worlds, ground } = field;
      await user.makeNamespace();
      await user.connect('cloud', SITES.aws);
      const zoneOf = (asked: Asked) => zoneOfLaunch(worlds.aws, asked);
      worlds.aws.script.trouble({
        call: 'RunInstances',
        when: (asked) => without.includes(zoneOf(asked)),
        answer: (asked) => answer(zoneOf(asked)),
      });
      const order = user.order('web', 'cloud', SITES.aws, SIZE);
      const [group] = order.nodeGroups;
      assert.ok(group);
      const fleet = await stage.create({ ...order, nodeGroups: [{ ...group, locations }] });
      const up = await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
      const machines = worlds.aws.standing(ground.now());
      const byZone = Object.fromEntries(
        [...Map.groupBy(machines, ({ zone }) => zone)].map(([zone, of]) => [zone, of.length]),
      );
      if (running) {
        assert.equal(up.status, 'Running', JSON.stringify(up.failures));
        assertIs('machines by zone', byZone, running);
        return;
      }
      assert.equal(up.status, 'Failed', JSON.stringify(up.counts));
      assertIs('machines by zone', byZone, {});
      const words = JSON.stringify(up.failures);
      assert.ok(words.includes('is not supported in your requested Availability Zone'), words);
      const asked = new Set(worlds.aws.script.noted.filter(({ call }) => call === 'RunInstances'));
      assert.ok(asked.size > 0);
    });
}

/** Before the fix, the instances whose zone had been chosen by chance failed. */
export const f06: FieldCase[] = [
  {
    id: 'F6',
    title: 'instances are created in the other zones if a zone does not have their type',
    play: play({
      without: ZONES.slice(0, 1),
      locations: [EAST],
      running: { 'us-east-1b': 6, 'us-east-1c': 6 },
    }),
  },
  {
    id: 'F6-location',
    title: 'instances move to another location if no zone has their type',
    play: play({
      without: ZONES,
      locations: [EAST, WEST],
      running: { 'us-west-2a': 4, 'us-west-2b': 4, 'us-west-2c': 4 },
    }),
  },
  {
    id: 'F6-nowhere',
    title: 'instances fail with EC2’s message if no zone has their type and no location is left',
    play: play({ without: ZONES, locations: [EAST] }),
  },
  {
    id: 'F6-addresses',
    title: 'instances are created in the other zones if the subnet of a zone has no free address',
    play: play({
      without: ZONES.slice(1, 2),
      locations: [EAST],
      answer: noAddresses,
      running: { 'us-east-1a': 6, 'us-east-1c': 6 },
    }),
  },
  {
    id: 'F6-subnet',
    title: 'instances are created in the other zones if the subnet of a zone no longer exists',
    play: play({
      without: ZONES.slice(2),
      locations: [EAST],
      answer: goneSubnet,
      running: { 'us-east-1a': 6, 'us-east-1b': 6 },
    }),
  },
];
