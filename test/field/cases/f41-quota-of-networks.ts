import assert from 'node:assert/strict';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type Field, inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const VPCS = 5;
const WORDS = 'The maximum number of VPCs has been reached.';
const MINUTE_MS = 60_000;
const site = SITES.aws;
type Aws = Field<{ aws: Ec2World }>;

/** Refuses VPCs beyond the quota of a region. */
function limitVpcs(
  { worlds: { aws } }: Aws,
  most = VPCS,
  regions: readonly string[] = [site.location],
): void {
  for (const name of regions) {
    aws.script.trouble({
      call: 'CreateVpc',
      when: ({ url }) => url.hostname.includes(name) && aws.region(name).partsOf('vpc').length >= most,
      answer: () => refusal(400, 'VpcLimitExceeded', WORDS),
    });
  }
}

async function withFullQuota(play: (field: Aws, full: Fleet[]) => Promise<void>): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async (field) => {
    const { stage, user } = field;
    await user.makeNamespace();
    await user.connect('cloud', site);
    limitVpcs(field);
    const full: Fleet[] = [];
    for (let n = 1; n <= VPCS; n += 1) {
      const fleet = await stage.create(alone(user.order(`full-${n}`, 'cloud', site, 1)));
      full.push(await stage.until(fleet.id, ({ status }) => status === 'Running'));
    }
    await play(field, full);
  });
}

/** Gives a fleet a network of its own. Fleets that share a network need one VPC at a location together. */
const alone = (order: FleetRequest): FleetRequest => ({ ...order, network: { mode: 'dedicated' } });

const shownQuotas = async ({ user }: Aws) =>
  (await user.limits('cloud')).governor.locations.flatMap(({ reasons }) =>
    reasons.filter((reason) => reason.why === 'quota'),
  );

/** Before the fix, launches failed 1 s after the refusal, and each new fleet asked EC2 again. */
export const f41: FieldCase[] = [
  {
    id: 'F41',
    title: 'fleets wait while the quota of VPCs is used up, show why, and go on when one VPC is removed',
    play: () =>
      withFullQuota(async (field, [first]) => {
        const { stage, user, worlds, ground } = field;
        const sinceMs = ground.now();
        const waiting: Fleet[] = [];
        for (let n = 1; n <= 4; n += 1)
          waiting.push(await stage.create(alone(user.order(`waits-${n}`, 'cloud', site, 2))));
        await ground.sleep(MINUTE_MS);
        const asked = worlds.aws.script.calls('CreateVpc', sinceMs).length;
        assert.ok(asked <= 8, `${asked} requests for a VPC in a minute by 4 fleets`);
        const [quota, ...others] = await shownQuotas(field);
        assertIs('further quotas that are shown', others, []);
        assert.ok(quota?.why === 'quota' && quota.of === 'networks' && quota.message.includes(WORDS));
        for (const { id } of waiting) {
          const fleet = await stage.read(id);
          assertIs('failed instances of a waiting fleet', fleet.counts.Failed ?? 0, 0);
          const waits = fleet.waiting?.filter(
            ({ why, message }) => why === 'network' && message.includes(WORDS),
          );
          assertIs('reasons “network” of a waiting fleet', waits?.length, 1);
        }
        await stage.remove(first?.id ?? '');
        const freeAtMs = ground.now();
        const running = async () =>
          (await Promise.all(waiting.map(({ id }) => stage.read(id)))).filter(
            ({ status }) => status === 'Running',
          );
        while ((await running()).length === 0) {
          assert.ok(ground.now() < freeAtMs + 2 * MINUTE_MS, 'no fleet went on within two minutes');
          await ground.sleep(1_000);
        }
        assertIs('fleets that run on one free VPC', (await running()).length, 1);
      }),
  },
  {
    id: 'F41-limit',
    title: "launches that waited for the quota of VPCs until their time limit fail with EC2's words",
    play: () =>
      withFullQuota(async ({ stage, user, ground }) => {
        const askedAtMs = ground.now();
        const order = alone(user.order('waits', 'cloud', site, 2, { instanceTimeoutSeconds: 180 }));
        const fleet = await stage.create(order);
        const ended = await stage.until(fleet.id, ({ status }) => status === 'Failed');
        const tookMs = ground.now() - askedAtMs;
        assert.ok(tookMs > 170_000 && tookMs < 300_000, `the fleet failed after ${tookMs} ms`);
        const told = JSON.stringify(ended.failures);
        assert.ok(told.includes(WORDS) && told.includes('QuotaExceeded'), told);
      }),
  },
  {
    id: 'F41-retry',
    title: 'the retry of a fleet that failed by the quota of VPCs asks the cloud immediately',
    play: () =>
      withFullQuota(async (field) => {
        const { stage, user, worlds, ground } = field;
        const order = alone(user.order('waits', 'cloud', site, 1, { instanceTimeoutSeconds: 120 }));
        const fleet = await stage.create(order);
        await stage.until(fleet.id, ({ status }) => status === 'Failed');
        const sinceMs = ground.now();
        await stage.act(fleet.id, 'retry');
        await ground.sleep(4_000);
        assertIs(
          'requests for a VPC after the retry',
          worlds.aws.script.calls('CreateVpc', sinceMs).length,
          1,
        );
      }),
  },
  {
    id: 'F41-elsewhere',
    title: 'an instance that may be launched in another location does not wait for the quota of VPCs',
    play: () =>
      inField(
        { worlds: () => ({ aws: new Ec2World({ regions: ['us-east-1', 'eu-west-1'] }) }) },
        async (field) => {
          const { stage, user, ground } = field;
          await user.makeNamespace();
          await user.connect('cloud', site);
          limitVpcs(field, 0);
          const base = alone(user.order('web', 'cloud', site, 4));
          const groups = base.nodeGroups.map((group) => ({
            ...group,
            locations: ['us-east-1', 'eu-west-1'],
          }));
          const askedAtMs = ground.now();
          const fleet = await stage.create(fleetRequestSchema.parse({ ...base, nodeGroups: groups }));
          const ended = await stage.until(
            fleet.id,
            ({ status }) => status === 'Running' || status === 'Failed',
          );
          assertIs('status of the fleet', ended.status, 'Running');
          const tookMs = ground.now() - askedAtMs;
          assert.ok(tookMs < MINUTE_MS, `the fleet took ${tookMs} ms`);
        },
      ),
  },
];
