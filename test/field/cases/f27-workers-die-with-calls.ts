import assert from 'node:assert/strict';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import type { FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';
import { LOCAL, PRODUCTION } from '../harness/field.ts';
import type { Trouble } from '../worlds/script.ts';

const MACHINES = 60;
const REPLY_MS = 8_000;
const RATE = { perSecond: 20, burst: 60 };
const LIMITS = {
  concurrentInstancesPerLocation: MACHINES,
  calls: { create: RATE, list: { perSecond: 10, burst: 20 }, mutate: RATE },
};
/** Simulated clouds answer a create when they have taken it. */
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

async function play({ lab, stage, user, site, cloud, worlds, ground }: AtDriver, mostMs: number) {
  await user.makeNamespace();
  await user.connect('cloud', site, { limits: LIMITS });
  const met = Object.values(worlds).map(({ script }) => script.trouble(CREATES));
  const isAsked = () => stage.creates().length > 0 || met.some(({ count }) => count > 0);
  const fleet = await stage.create(user.order('web', 'cloud', site, MACHINES));
  while (!isAsked()) await ground.sleep(20);
  await ground.sleep(REPLY_MS / 4);
  assert.ok(lab.killWorkers('the case') > 0, 'workers were at work');
  const diedAtMs = ground.now();
  const counts = (await stage.read(fleet.id)).counts;
  assert.ok((counts.Running ?? 0) === 0, 'no create was answered before the workers died');
  for (const one of met) one.end();
  await stage.until(fleet.id, ({ counts: { Running } }) => Running === MACHINES);
  const tookMs = ground.now() - diedAtMs;
  assert.equal(cloud.standing().length, MACHINES, 'none was made twice');
  assert.ok(tookMs <= mostMs, `all ran ${tookMs} ms after the deaths`);
}

const title = (stage: string, most: number) =>
  `all workers die with their create calls on the way, replies ${REPLY_MS / 1_000} s late: ${MACHINES} machines run within ${most} s of it, with the limits of stage ${stage}`;

/** Was: 173 seconds with the limits of stage local. */
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
];
