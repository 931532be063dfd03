import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';
import { handleFailure } from '../../../../functions/features/instances/failure-handling.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { readNetworks, recordNetwork } from '../../../../functions/platform/store/networks.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { requeueAfter } from '../../../../functions/platform/worker/context.ts';
import { EAST, FLEET, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
let claimed: InstanceItem;
beforeEach(async () => {
  fleet = await OneFleet.open();
  await fleet.handle(launchOf(0), fleet.makeWorker({ at: /^create/, does: 'die' }));
  claimed = await fleet.claimed();
});
afterEach(() => fleet.end());

const statusOf = ({ status }: { status: string }) => status;
const handle = async (
  code: DriverErrorCode,
  detail: { retryAfterMs?: number; answered?: boolean } = {},
  { record = claimed } = {},
) => await handleFailure(fleet.worker.context, record, new DriverError(code, 'no', detail));

describe('handleFailure', () => {
  it.each(['Throttled', 'NoPermit'] as const)(
    'a create call that ends with %s made no machine, and is repeated after the time that the error states',
    async (code) => {
      expect(await handle(code, { retryAfterMs: 7_000 })).toEqual({ result: requeueAfter(7_000) });
      expect(await fleet.record()).toMatchObject({ launchState: 'refused', attempt: 1, refusals: 0 });
    },
  );

  it('a create call to an unavailable site is repeated after 2, 4, 8, 16, 32 and 64 seconds, and the seventh refusal fails the attempt', async () => {
    const waits: unknown[] = [];
    for (let refusal = 1; refusal <= 6; refusal += 1) {
      waits.push(await handle('Unavailable', {}, { record: await fleet.claimed() }));
      await updateInstance(fleet.store, await fleet.claimed(), { launchState: 'claimed' });
    }
    expect(waits).toEqual(
      [2, 4, 8, 16, 32, 64].map((seconds) => ({ result: requeueAfter(seconds * 1_000) })),
    );
    expect(await handle('Unavailable', {}, { record: await fleet.claimed() })).toEqual({
      failure: { code: 'Unavailable', message: 'no' },
    });
  });

  it.each(['OutcomeUnknown', 'Conflict'] as const)(
    'after a create call that ends with %s, the message is requeued without delay, and the launch state is `unknown`',
    async (code) => {
      expect(await handle(code)).toEqual({ result: requeueAfter(0) });
      expect(await fleet.record()).toMatchObject({ launchState: 'unknown', unknownSinceMs: fleet.nowMs });
    },
  );

  it('handleFailure counts in the record how many equal answers left the outcome of the call unknown', async () => {
    await handle('OutcomeUnknown', { answered: true });
    await handle('OutcomeUnknown', { answered: true }, { record: await fleet.claimed() });
    expect((await fleet.claimed()).unknownAnswer).toEqual({ words: 'no', times: 2, firstAtMs: fleet.nowMs });
  });

  it.each([
    'InsufficientCapacity',
    'QuotaExceeded',
    'InvalidRequest',
    'Unsupported',
    'NotFound',
    'Forbidden',
  ] as const)(
    'a call that ends with %s fails the attempt, and handleFailure writes nothing',
    async (code) => {
      expect(await handle(code)).toEqual({ failure: { code, message: 'no' } });
      expect(await fleet.record()).toEqual(claimed);
    },
  );

  it.each(['InvalidRequest', 'NotFound'] as const)(
    'a create call that ends with %s is repeated once if its network resources may have been deleted at the cloud',
    async (code) => {
      await fleet.worker.context.networks(FLEET, EAST, 1);
      fleet.nowMs += 61_000;
      expect(await handle(code)).toEqual({ result: requeueAfter(1_000) });
      expect(await fleet.record()).toMatchObject({ launchState: 'refused', refusals: 1 });
      const read = async () => (await readNetworks(fleet.store, { fleetId: FLEET, ...EAST })).map(statusOf);
      expect(await read()).toEqual(['Creating', 'Creating', 'Creating']);
      expect(await fleet.worker.context.networks(FLEET, EAST, 1)).toEqual([]);
      for (const item of await readNetworks(fleet.store, { fleetId: FLEET, ...EAST }))
        await recordNetwork(fleet.store, item, { status: 'Ready', checkedAtMs: fleet.nowMs });
      await fleet.worker.context.networks(FLEET, EAST, 1);
      const record = await fleet.claimed();
      expect(await handle(code, {}, { record })).toEqual({ failure: { code, message: 'no' } });
    },
  );

  it('a create call of a process that knows replaced network resources is repeated with the new ones', async () => {
    await fleet.worker.context.networks(FLEET, EAST, 1);
    const [network] = await readNetworks(fleet.store, { fleetId: FLEET, ...EAST });
    if (!network) throw new Error('the fleet has no network');
    await recordNetwork(fleet.store, network, { backendId: 'network-2' });
    expect(await handle('NotFound')).toEqual({ result: requeueAfter(1_000) });
    const known = await fleet.worker.context.networks(FLEET, EAST, 1);
    expect(known.map(({ backendId }) => backendId)).toContain('network-2');
  });

  it('a create call that ends with Unauthorized made no machine, and its attempt waits for the connection', async () => {
    expect(await handle('Unauthorized')).toEqual({ result: requeueAfter(1_000) });
    expect(await fleet.record()).toMatchObject({ launchState: 'refused', attempt: 1, refusals: 0 });
  });

  it.each(['Throttled', 'Unavailable', 'OutcomeUnknown'] as const)(
    'if a poll has bound a machine to the record, the record does not change when the call ends with %s',
    async (code) => {
      await updateInstance(fleet.store, claimed, { launchState: 'accepted', backendId: 'm1' });
      const bound = await fleet.record();
      await handle(code);
      expect(await fleet.record()).toEqual(bound);
    },
  );
});
