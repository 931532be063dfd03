import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import type { InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import { assertions } from '../suite/assertion.ts';
import type { SentMarket } from '../suite/harness.ts';
import type { Lab } from '../suite/lab.ts';

const needs = 'markets';
/** A price that every cloud of the suite sells for. */
const HIGH_PRICE = 25;

/** Creates a machine, and returns the markets that the create requests asked for. */
async function sentMarkets(lab: Lab, over: Partial<InstanceSpec>): Promise<SentMarket[]> {
  const spec = await lab.spec(over);
  lab.proxy.seen.length = 0;
  await lab.client.createInstance(spec);
  const creates = lab.proxy.seen.filter(({ call }) => call === lab.cloud.calls.create);
  assert.ok(creates.length > 0);
  return creates.map(({ request }) => lab.cloud.marketOf?.(request) ?? {});
}

export const MARKETS = assertions([
  {
    id: 'markets.on-demand',
    title: 'a create whose spec has no market requests a machine on demand',
    needs,
    async run(lab) {
      for (const sent of await sentMarkets(lab, {})) assert.deepEqual(sent, {});
    },
  },
  {
    id: 'markets.spot',
    title:
      'a create whose spec is for the spot market requests a spot machine, for the highest price of the spec',
    needs,
    async run(lab) {
      for (const sent of await sentMarkets(lab, { market: 'spot' }))
        assert.deepEqual(sent, { market: 'spot' });
      const priced = await sentMarkets(lab, { market: 'spot', maxUsdPerHour: HIGH_PRICE });
      for (const sent of priced) assert.deepEqual(sent, { market: 'spot', maxUsdPerHour: HIGH_PRICE });
    },
  },
  {
    id: 'markets.interrupted',
    title: 'a spot machine that the cloud takes back is shown so, with the reason of the cloud',
    needs,
    async run(lab) {
      const { client, cloud, proxy } = lab;
      const spec = await lab.spec({ market: 'spot' });
      const { backendId } = await client.createInstance(spec);
      const before = await lab.untilStatus({ backendId }, 'Running');
      assert.equal(before.isInterrupted, undefined);
      await lab.awaitConsistency();
      proxy.faults.arm({
        call: '*',
        kind: 'edit',
        edit: (body) => cloud.withInterruption?.(body) ?? body,
      });
      const shown = [await client.getInstance(cloud.location, backendId), ...(await lab.listed([spec]))];
      proxy.faults.clear();
      assert.equal(shown.length, 2);
      for (const { status, isInterrupted, failureMessage } of shown) {
        assert.deepEqual({ status, isInterrupted }, { status: 'Terminating', isInterrupted: true });
        assert.match(failureMessage ?? '', /spot/i);
      }
    },
  },
  {
    id: 'markets.unknown-reservation',
    title: 'a reservation that the cloud does not have fails the check of markets, and nothing else does',
    needs,
    async run({ client, cloud }) {
      assert.ok(has(client, needs));
      const faults = await client.verifyMarkets(cloud.location, {
        markets: ['reserved', 'on-demand'],
        reservationId: cloud.unknownReservationId ?? '',
        instanceTypes: [cloud.instanceType],
      });
      assert.deepEqual(
        faults.map(({ at, code }) => `${at} ${code}`),
        ['reservationId unknown-reservation'],
      );
      const onDemand = { markets: ['on-demand'] as const, instanceTypes: [cloud.instanceType] };
      assert.deepEqual(await client.verifyMarkets(cloud.location, onDemand), []);
    },
  },
]);
