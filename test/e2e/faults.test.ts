import { afterEach, describe, expect, it } from 'vitest';
import {
  Audit,
  addFaults,
  clearFaults,
  client,
  deleteFleet,
  group,
  namespace,
  request,
  untilUp,
} from './deployed.ts';

afterEach(clearFaults);

const SIX_SITES = (name: string) =>
  request(
    name,
    group('sim-aws', 12, ['us-east-1', 'us-west-2', 'eu-west-1']),
    group('sim-gcp', 8, ['us-central1', 'europe-west1']),
    group('sim-azure', 4, ['westeurope']),
  );

async function launch(name: string): Promise<string> {
  return (await client.createFleet({ params: { namespace }, body: SIX_SITES(name) })).id;
}

describe('faulty clouds', () => {
  it('a fleet runs with one machine for each instance at clouds that lose replies, throttle calls and fail', async () => {
    const audit = await Audit.begin('aws', 'gcp', 'azure');
    await addFaults(
      { call: 'create', kind: 'loseReplyAfterEffect', probability: 0.3, count: 8 },
      { call: 'create', kind: 'loseReplyBeforeEffect', probability: 0.3, count: 5 },
      { call: 'create', kind: 'throttle', probability: 0.3, count: 5 },
      { call: 'ensure', kind: 'error', probability: 0.5, count: 3 },
    );
    const id = await launch('e2e-faults');
    expect(await untilUp(id)).toMatchObject({ status: 'Running', counts: { Running: 24 } });
    expect(await audit.verdict([id])).toMatchObject({ running: 24, leaked: [], duplicated: [] });
    await clearFaults();
    await addFaults({ call: 'terminate', kind: 'loseReplyAfterEffect', probability: 0.5, count: 6 });
    await deleteFleet(id);
    expect((await audit.books()).remaining()).toBe(0);
  }, 240_000);
});
