import { AwsClient } from '../../functions/drivers/aws/client.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';
import { openGate } from '../calls/gates.ts';
import { rsaPublicKey } from '../contract/suite/public-key.ts';
import { awsDriver } from '../samples/drivers.ts';
import { assignmentOf, credentialOf, LIVE_USAGE, PlanRefused } from './plan.ts';
import { LIVE_DEPLOYMENT, runLive } from './run-live.ts';

const POLL_MS = 5_000;

/** Runs the test at the account of the environment variables. Returns the exit code. */
async function live(): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const plan = assignmentOf(process.env);
  const credential = credentialOf(process.env);
  const client = awsDriver.connect({
    cloud: 'aws',
    credential,
    deploymentId: LIVE_DEPLOYMENT,
    calls: openGate,
  });
  if (!(client instanceof AwsClient)) throw new TypeError('not a client of driver aws');
  const { machines, instanceType, location, minutes, estimateUsd, maxUsd } = plan;
  say(
    `Starts ${machines} ${instanceType} at ${location} for at most ${minutes} minutes: up to ${estimateUsd.toFixed(3)} USD (cap: ${maxUsd} USD)`,
  );
  const interrupt = new AbortController();
  process.on('SIGINT', () => {
    say('Interrupted: removing all machines and network resources first.');
    interrupt.abort(new Error('interrupted'));
  });
  const publicKey = rsaPublicKey();
  const report = await runLive({ client, plan, publicKey, pollMs: POLL_MS, say, signal: interrupt.signal });
  process.stdout.write(`${JSON.stringify({ driver: 'aws', ...plan, ...report })}\n`);
  if (report.left.length > 0)
    say(
      `Not removed at ${location}: ${report.left.join(', ')}. Run this command again, or remove them yourself.`,
    );
  return report.failed.length === 0 && report.left.length === 0 ? 0 : 1;
}

if (process.argv.includes('--help')) process.stdout.write(`${LIVE_USAGE}\n`);
else {
  try {
    process.exitCode = await live();
  } catch (error) {
    if (error instanceof PlanRefused) process.stderr.write(`${error.message}\n\n${LIVE_USAGE}\n`);
    else if (error instanceof DriverError) process.stderr.write(`${error.code}: ${error.message}\n`);
    else throw error;
    process.exitCode = error instanceof PlanRefused ? 2 : 1;
  }
}
