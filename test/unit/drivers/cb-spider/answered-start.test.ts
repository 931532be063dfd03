import { expect, test } from 'vitest';
import { specOn, useDouble } from './double.ts';

const double = useDouble(
  { prepareMs: 20, startMs: 20, terminateMs: 0 },
  { handOverMs: 2_000, lockedMs: 2_000 },
);

test("a create that CB-Spider answers within the driver's time limit returns a running machine with its addresses", async () => {
  const client = double.client();
  const made = await client.createInstance(await specOn(client));
  expect(made).toMatchObject({ status: 'Running', publicIp: '4.3.2.1', privateIp: '1.2.3.4' });
});
