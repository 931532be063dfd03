import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CloudClient, CloudNetworkResource } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';
import { hiddenNetworks } from '../../../../functions/features/connections/hidden-networks.ts';
import { nameKey } from '../../../../functions/platform/store/keys.ts';
import type { WorkerContext } from '../../../../functions/platform/worker/context.ts';
import { FLEET, NOON, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;

beforeEach(async () => {
  fleet = await OneFleet.open();
  fleet.put('fleets', { ...nameKey('default', 'shop'), fleetId: FLEET, connections: ['cloud'] });
});
afterEach(() => fleet.end());

const SHOWN: CloudNetworkResource = { kind: 'network', backendId: 'network-1', name: 'n' };

async function clientWith(list: () => Promise<CloudNetworkResource[]>): Promise<CloudClient> {
  return { ...(await fleet.opened()).client, listNetworkResources: list };
}

/** Checks a credential that shows no network, while the credential in force answers with `list`. */
async function check(list: () => Promise<CloudNetworkResource[]>) {
  const opened = await fleet.opened();
  const requestedAt = new Date(NOON).toISOString();
  const rotation = { version: 2, status: 'Verifying' as const, requestedAt };
  const client = await clientWith(list);
  const context: WorkerContext = {
    ...fleet.worker.context,
    open: () => Promise.resolve({ ...opened, client }),
  };
  const trial = await clientWith(() => Promise.resolve([]));
  return await fleet.run(fleet.worker, () =>
    hiddenNetworks(context, { ...opened.connection, rotation }, trial),
  );
}

const failsWith = (code: DriverErrorCode, retryAfterMs?: number) => () =>
  Promise.reject(new DriverError(code, 'refused', retryAfterMs === undefined ? {} : { retryAfterMs }));

it('a network that the credential in force still shows is hidden', async () => {
  const hidden = { what: 'networks', location: 'east', missing: 1 };
  expect(await check(() => Promise.resolve([SHOWN]))).toEqual({ hidden });
});

it('a network that neither credential shows is not hidden', async () => {
  expect(await check(() => Promise.resolve([]))).toBeUndefined();
});

it.each(['Throttled', 'Unavailable', 'Forbidden'] as const)(
  'the check is repeated if the credential in force gets the answer %s',
  async (code) => {
    expect(await check(failsWith(code, 7_000))).toEqual({ waitMs: 7_000 });
  },
);

it('the network counts as hidden if the credential in force is rejected', async () => {
  expect(await check(failsWith('Unauthorized'))).toMatchObject({ hidden: { missing: 1 } });
});

it('the network counts as hidden if the credential in force got no answer for two minutes', async () => {
  fleet.nowMs += 120_000;
  expect(await check(failsWith('Unavailable'))).toMatchObject({ hidden: { missing: 1 } });
});
