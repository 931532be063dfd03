import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AwsClient } from '../../functions/drivers/aws/client.ts';
import { openGate } from '../calls/gates.ts';
import { awsHarness } from '../contract/harnesses/aws.ts';
import { ec2Answer } from '../contract/harnesses/aws-errors.ts';
import { layGround } from '../contract/suite/ground.ts';
import type { CloudUnderTest } from '../contract/suite/harness.ts';
import { type FaultProxy, startFaultProxy } from '../fault-proxy/fault-proxy.ts';
import { awsDriver } from '../samples/drivers.ts';
import { assignmentOf, credentialOf, PlanRefused } from './plan.ts';
import { LIVE_DEPLOYMENT, runLive } from './run-live.ts';

const plan = assignmentOf({ LIVE: 'aws' });
let cloud: CloudUnderTest;
let proxy: FaultProxy;
let client: AwsClient;

beforeAll(async () => {
  cloud = await awsHarness.start();
  const { upstreams, dialect } = cloud;
  // AWS makes only one machine for each client token. moto ignores the token, so the proxy passes on only the
  // first request with a token.
  proxy = await startFaultProxy({ upstreams, dialect, idempotency: 'add' });
  const opened = awsDriver.connect({
    cloud: 'aws',
    credential: cloud.credential,
    endpoint: cloud.endpoint((upstream) => proxy.urlOf(upstream)),
    deploymentId: LIVE_DEPLOYMENT,
    calls: openGate,
  });
  if (!(opened instanceof AwsClient)) throw new TypeError('not a client of driver aws');
  client = opened;
}, 300_000);
afterAll(async () => {
  await proxy?.close();
  await cloud?.stop();
});
beforeEach(async () => {
  proxy.calm();
  await cloud.reset();
});

const run = (over: { minutes?: number; signal?: AbortSignal } = {}) =>
  runLive({
    client,
    plan: { ...plan, minutes: over.minutes ?? plan.minutes },
    publicKey: cloud.publicKey,
    pollMs: 100,
    say: () => undefined,
    signal: over.signal ?? new AbortController().signal,
  });

describe('runLive', () => {
  it('a live run passes all steps and leaves nothing at the account', async () => {
    const report = await run();
    expect(report).toMatchObject({ failed: [], leftBefore: [], leftBySteps: [], left: [] });
    expect(report.passed).toHaveLength(8);
    expect(await cloud.countLeft()).toBe(0);
  });

  it('a live run leaves nothing at the account even if one of its steps fails', async () => {
    proxy.faults.arm({
      call: 'RebootInstances',
      kind: 'answer',
      answer: ec2Answer(400, 'UnsupportedOperation', 'not today'),
    });
    const report = await run();
    expect(report.failed).toEqual([
      { step: 'a machine is rebooted, stopped and started', message: expect.stringContaining('not today') },
    ]);
    expect(report.leftBySteps).toHaveLength(6);
    expect(report.left).toEqual([]);
    expect(await cloud.countLeft()).toBe(0);
  });

  it('a live run creates nothing after its time is over or after an interruption', async () => {
    expect((await run({ minutes: 0 })).failed[0]?.message).toContain('the estimate');
    const signal = AbortSignal.abort(new Error('interrupted'));
    expect(await run({ signal })).toMatchObject({ passed: [], failed: [{ message: 'Error: interrupted' }] });
    expect(proxy.seen.filter(({ call }) => call.startsWith('Create') || call === 'RunInstances')).toEqual([]);
  });

  it('a live run first removes the resources of an earlier run', async () => {
    await layGround(client, plan.location, 'leftover', cloud.publicKey);
    const report = await run();
    expect(report.leftBefore).toHaveLength(3);
    expect(report).toMatchObject({ failed: [], left: [] });
    expect(await cloud.countLeft()).toBe(0);
  });
});

describe('assignmentOf', () => {
  it('the plan of a live run states its highest possible cost, which is below the cap', () => {
    // Three machines for half an hour: 1.5 h × (0.0168 + 0.005 + 30 × 0.152 / 730) USD.
    expect(plan.estimateUsd).toBeCloseTo(0.042_07, 4);
    expect(plan.estimateUsd).toBeLessThan(plan.maxUsd);
  });

  it.each([
    [{}, 'LIVE must be aws'],
    [{ LIVE: 'azure' }, 'LIVE must be aws'],
    [{ LIVE: 'aws', LIVE_MAX_USD: '0.04' }, 'more than the cap of 0.04 USD'],
    [{ LIVE: 'aws', LIVE_INSTANCE_TYPE: 'm5.large', LIVE_MAX_USD: '0.2' }, 'more than the cap'],
    [{ LIVE: 'aws', LIVE_INSTANCE_TYPE: 'p5.48xlarge' }, 'no price is known'],
    [{ LIVE: 'aws', LIVE_MAX_USD: 'plenty' }, 'not an amount'],
  ])(
    'the plan of a live run is refused for the variables %j with a message that contains %j',
    (env, words) => {
      expect(() => assignmentOf(env)).toThrow(PlanRefused);
      expect(() => assignmentOf(env)).toThrow(words);
    },
  );

  it('a live run is refused without both keys of an account', () => {
    expect(() => credentialOf({ AWS_ACCESS_KEY_ID: 'AKIA' })).toThrow(PlanRefused);
    expect(
      credentialOf({ AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: '' }),
    ).toEqual({
      accessKeyId: 'AKIA',
      secretAccessKey: 's',
    });
  });
});
