import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AwsClient } from '../../functions/drivers/aws/client.ts';
import { awsDriver } from '../../functions/drivers/aws/driver.ts';
import { openGate } from '../calls/gates.ts';
import { awsHarness } from '../contract/harnesses/aws.ts';
import { ec2Answer } from '../contract/harnesses/aws-errors.ts';
import { layGround } from '../contract/suite/ground.ts';
import type { CloudUnderTest } from '../contract/suite/harness.ts';
import { type FaultProxy, startFaultProxy } from '../fault-proxy/fault-proxy.ts';
import { assignmentOf, credentialOf, PlanRefused } from './plan.ts';
import { LIVE_DEPLOYMENT, runLive } from './run-live.ts';

const plan = assignmentOf({ LIVE: 'aws' });
let cloud: CloudUnderTest;
let proxy: FaultProxy;
let client: AwsClient;

beforeAll(async () => {
  cloud = await awsHarness.start();
  const { upstreams, dialect } = cloud;
  // AWS makes one machine of one token, which moto does not.
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

describe('a run at an account', () => {
  it('uses machines and leaves nothing', async () => {
    const report = await run();
    expect(report).toMatchObject({ failed: [], leftBefore: [], leftBySteps: [], left: [] });
    expect(report.passed).toHaveLength(8);
    expect(await cloud.countLeft()).toBe(0);
  });

  it('that fails half-way leaves nothing either', async () => {
    proxy.faults.arm({
      call: 'RebootInstances',
      kind: 'answer',
      answer: ec2Answer(400, 'UnsupportedOperation', 'not today'),
    });
    const report = await run();
    expect(report.failed).toEqual([
      { step: 'one is rebooted, stopped and started', message: expect.stringContaining('not today') },
    ]);
    expect(report.leftBySteps).toHaveLength(6);
    expect(report.left).toEqual([]);
    expect(await cloud.countLeft()).toBe(0);
  });

  it('that has no time left, or is interrupted, makes nothing more', async () => {
    expect((await run({ minutes: 0 })).failed[0]?.message).toContain('the estimate');
    const signal = AbortSignal.abort(new Error('interrupted'));
    expect(await run({ signal })).toMatchObject({ passed: [], failed: [{ message: 'Error: interrupted' }] });
    expect(proxy.seen.filter(({ call }) => call.startsWith('Create') || call === 'RunInstances')).toEqual([]);
  });

  it('first removes what an earlier one left', async () => {
    await layGround(client, plan.location, 'leftover', cloud.publicKey);
    const report = await run();
    expect(report.leftBefore).toHaveLength(3);
    expect(report).toMatchObject({ failed: [], left: [] });
    expect(await cloud.countLeft()).toBe(0);
  });
});

describe('the plan', () => {
  it('says what it may cost at most', () => {
    // Three machines for half an hour: 1.5 h × (0.0168 + 0.005 + 30 × 0.152 / 730) USD.
    expect(plan.estimateUsd).toBeCloseTo(0.042_07, 4);
    expect(plan.estimateUsd).toBeLessThan(plan.maxUsd);
  });

  it.each([
    [{}, 'LIVE has to say'],
    [{ LIVE: 'azure' }, 'LIVE has to say'],
    [{ LIVE: 'aws', LIVE_MAX_USD: '0.04' }, 'more than the cap of 0.04 USD'],
    [{ LIVE: 'aws', LIVE_INSTANCE_TYPE: 'm5.large', LIVE_MAX_USD: '0.2' }, 'more than the cap'],
    [{ LIVE: 'aws', LIVE_INSTANCE_TYPE: 'p5.48xlarge' }, 'price is known'],
    [{ LIVE: 'aws', LIVE_MAX_USD: 'plenty' }, 'not an amount'],
  ])('refuses %j', (env, words) => {
    expect(() => assignmentOf(env)).toThrow(PlanRefused);
    expect(() => assignmentOf(env)).toThrow(words);
  });

  it('needs the keys of an account', () => {
    expect(() => credentialOf({ AWS_ACCESS_KEY_ID: 'AKIA' })).toThrow(PlanRefused);
    expect(
      credentialOf({ AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: '' }),
    ).toEqual({
      accessKeyId: 'AKIA',
      secretAccessKey: 's',
    });
  });
});
