import { expect, test } from 'vitest';
import { LOCATION, specOn, useDouble } from './double.ts';

const double = useDouble({ prepareMs: 0, startMs: 0, terminateMs: 0 }, { handOverMs: 500, lockedMs: 500 });

test('a trial client (a client that checks a new credential) lists the machines of the same account under the same ids', async () => {
  const client = double.client();
  const { backendId } = await client.createInstance(await specOn(client));
  const shown = await double.client({ isTrial: true }).listInstances(LOCATION);
  expect(shown.map((one) => one.backendId)).toEqual([backendId]);
});

test('a trial client of another account lists no machine, and the connection keeps its credential', async () => {
  const client = double.client();
  const { backendId } = await client.createInstance(await specOn(client));
  const trial = double.client({ mockName: 'another', isTrial: true });
  expect(await trial.verifyCredential()).toEqual({ account: undefined });
  expect(await trial.listInstances(LOCATION)).toEqual([]);
  for (const later of [client, double.client()]) {
    expect(await later.listInstances(LOCATION)).toMatchObject([{ backendId, status: 'Running' }]);
  }
});
