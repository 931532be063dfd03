import { createAwsDriver } from '../../../functions/drivers/aws/driver.ts';
import { openGate } from '../../calls/gates.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { handlerOver } from '../worlds/http.ts';
import { SITES } from './sites.ts';

let warmed: Promise<void> | undefined;

/**
 * Calls each service once. The AWS SDK reads files at its first calls and caches them. Virtual time does not
 * wait for file reads. It advances as soon as all other work waits for timers.
 */
export function warmUp(): Promise<void> {
  warmed ??= callEachService();
  return warmed;
}

async function callEachService(): Promise<void> {
  const world = new Ec2World();
  const handler = handlerOver(async (request) =>
    world.answer({
      method: request.method,
      url: new URL(request.url),
      headers: request.headers,
      text: await request.text(),
      atMs: 0,
    }),
  );
  const { request, location } = SITES.aws;
  const { cloud, credential } = request;
  const client = createAwsDriver(handler).connect({
    cloud,
    credential,
    deploymentId: 'warm-up',
    calls: openGate,
  });
  await client.verifyCredential();
  await client.listLocations();
  await client.listImages(location);
}
