import { expect, it } from 'vitest';
import * as z from 'zod';
import { DEPLOYMENT_TAG } from '../../functions/drivers/contract/driver.ts';
import { client, control, namespace, pause, stack } from './deployed.ts';

const CONNECTION = 'sim-ncp';

async function plant(deploymentId: string): Promise<string> {
  const planted = await control('POST', 'instances', {
    cloud: 'ncp',
    connection: CONNECTION,
    location: 'KR',
    name: 'of-no-record',
    tags: { [DEPLOYMENT_TAG]: deploymentId },
  });
  return z.object({ backendId: z.string() }).parse(planted).backendId;
}

async function sweep(dryRun: boolean) {
  const asked = await client.sweepOrphans({
    params: { namespace },
    body: { connection: CONNECTION, dryRun },
  });
  for (;;) {
    const seen = await client.getSweep({ params: { namespace, sweep: asked.id } });
    if (seen.status === 'Done') return seen;
    await pause(300);
  }
}

it('a sweep quarantines a machine that no record claims, and ignores a machine of another deployment', async () => {
  const ours = await plant(stack.outputs.DeploymentId);
  const theirs = await plant('another-deployment');
  const tried = await sweep(true);
  expect(tried).toMatchObject({ places: { found: 2, done: 2, failed: 0 }, failures: [] });
  const found = tried.findings.filter(({ backendId }) => [ours, theirs].includes(backendId));
  expect(found).toMatchObject([{ backendId: ours, reason: 'no-record', action: 'quarantine' }]);
  const listed = async () =>
    (await client.listOrphans({ params: { namespace }, query: { connection: CONNECTION } })).items.filter(
      ({ backendId }) => [ours, theirs].includes(backendId),
    );
  expect(await listed()).toEqual([]);
  await sweep(false);
  expect(await listed()).toMatchObject([{ backendId: ours, state: 'Quarantined', location: 'KR' }]);
});
