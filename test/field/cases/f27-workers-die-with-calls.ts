import assert from 'node:assert/strict';
import { DRIVERS } from '../../../functions/drivers/registry.ts';
import type { DriverName } from '../../../functions/model/connection.ts';
import { claimMsOf } from '../../../functions/platform/worker/context.ts';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';
import { LOCAL, PRODUCTION } from '../harness/field.ts';
import type { Trouble } from '../worlds/script.ts';

const MACHINES = 60;
const REPLY_MS = 8_000;
/** Longest time in ms until the control plane knows that a machine runs, after the answer to its create call. */
const BOOT_MS = 32_000;
const RATE = { perSecond: 20, burst: 60 };
const LIMITS = {
  concurrentInstancesPerLocation: MACHINES,
  calls: { create: RATE, list: { perSecond: 10, burst: 20 }, mutate: RATE },
};
/** These simulated clouds answer a create after `submitMs`. */
const { clouds } = calmScenario(
  {},
  {
    slots: { locations: 2, instancesPerLocation: MACHINES },
    rates: LIMITS.calls,
    submitMs: [REPLY_MS, REPLY_MS],
  },
);
const CREATES: Trouble = {
  call: /^(RunInstances|POST nova \/servers|POST vm)$/,
  replyLateMs: REPLY_MS,
  times: MACHINES,
};

/**
 * Time at which the workers die. `all`: when all create calls are on the way. `first`: when the first create call is on
 * the way; some workers have then claimed their launches, and not begun their calls.
 */
type Death = 'all' | 'first';

async function play(
  { lab, stage, user, site, cloud, worlds, ground }: AtDriver,
  mostMs: number,
  death: Death = 'all',
) {
  await user.makeNamespace();
  await user.connect('cloud', site, { limits: LIMITS });
  const met = Object.values(worlds).map(({ script }) => script.trouble(CREATES));
  const isAsked = () => stage.creates().length > 0 || met.some(({ count }) => count > 0);
  const fleet = await stage.create(user.order('web', 'cloud', site, MACHINES));
  while (!isAsked()) await ground.sleep(20);
  const untilMs = ground.now() + REPLY_MS / 2;
  if (death === 'all')
    while (cloud.standing().length < MACHINES && ground.now() < untilMs) await ground.sleep(20);
  assert.ok(lab.killWorkers('the case') > 0, 'no worker was busy when the case killed them');
  const diedAtMs = ground.now();
  const counts = (await stage.read(fleet.id)).counts;
  assert.ok((counts.Running ?? 0) === 0, `${counts.Running} instances ran before the workers died`);
  for (const one of met) one.end();
  await stage.until(fleet.id, ({ counts: { Running } }) => Running === MACHINES);
  const tookMs = ground.now() - diedAtMs;
  assertIs('machines at the cloud', cloud.standing().length, MACHINES);
  assert.ok(
    tookMs <= mostMs,
    `all machines ran ${tookMs} ms after the workers died; at most ${mostMs} ms are allowed`,
  );
}

const title = (stage: string, most: number) =>
  `${MACHINES} machines run within ${most} s after all workers of stage ${stage} died during their create calls`;

/**
 * Returns the longest time in ms until all machines run if workers died between claim and call: the claim, the driver's
 * consistency window, and another call and boot. Nothing tells that a claimed call was never made.
 */
function longestMs(driver: DriverName): number {
  const claimMs = claimMsOf({ timeLimitMs: LOCAL.driverTimeoutMs });
  return claimMs + DRIVERS[driver].consistencyWindowMs + REPLY_MS + BOOT_MS;
}

/** Before the fix, the machines ran after 173 seconds with the limits of stage local. */
export const f27: FieldCase[] = [
  ...atEveryDriver({
    id: 'F27',
    title: title('local', 75),
    options: { stage: LOCAL, clouds },
    play: (at) => play(at, 75_000),
  }),
  ...atEveryDriver({
    id: 'F27-production',
    title: title('production', 150),
    options: { stage: PRODUCTION, clouds },
    play: (at) => play(at, 150_000),
  }),
  ...atEveryDriver({
    id: 'F27-claimed',
    title: `${MACHINES} machines run soon after claims and consistency window are over if workers died between claim and call`,
    options: { stage: LOCAL, clouds },
    play: (at) => play(at, longestMs(at.driver), 'first'),
  }),
];
