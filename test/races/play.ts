import { Problem } from '../../functions/entrypoints/api/problem.ts';
import { CALM, type Disturbance } from '../chaos/ground/disturbance.ts';
import { Ground } from '../chaos/ground/ground.ts';
import { liveFleets } from '../chaos/invariants/check-access.ts';
import { isWork } from '../chaos/scenario/run.ts';
import { Random } from '../chaos/time/random.ts';
import { CALLER } from '../chaos/world/caller.ts';
import { ProcessEnded } from '../chaos/world/functions.ts';
import { Lab } from '../chaos/world/lab.ts';
import type { Answer } from './answer.ts';
import { checkAnswers } from './check-answers.ts';
import { checkGone, checkState } from './check-state.ts';
import type { Move, Pair } from './moves.ts';
import { bringAbout, CLOUD, ofTeam, plainly, type Situation } from './situation.ts';

const MINUTE_MS = 60_000;
const SWEEP_MS = 10 * MINUTE_MS;
const CHECK_MS = 5_000;
const QUIET_CHECKS = 6;
const REST_WITHIN_MS = 60 * MINUTE_MS;
/** Time in ms within which other processes finish the work of a process that ended. */
const FINISHED_MS = 45 * MINUTE_MS;
/** Maximum number of sleeps in a race. Only a race in an endless loop has more. */
const MAX_STEPS = 100_000;

export interface RaceResult {
  pair: string;
  seed: number;
  situation: Situation;
  violations: string[];
  trace: readonly string[];
}

/** What a seed determines about a race, in addition to the order of its calls. */
interface Circumstances {
  situation: Situation;
  disturbance: Disturbance;
  /** Time in ms within which all requests begin. */
  withinMs: number;
  /** Number of requests of each move. */
  counts: readonly [number, number];
}

const NOTHING: Situation = {
  namespace: 'there',
  connection: 'ready',
  share: 'absent',
  fleet: 'absent',
  instance: 'absent',
};

/**
 * Removes from a situation what cannot exist in it, for example a fleet without a connection. The needs of
 * the two moves may contradict each other.
 */
function consistent(wanted: Situation): Situation {
  if (wanted.namespace === 'absent') return { ...NOTHING, namespace: 'absent', connection: 'absent' };
  const { share, fleet, instance } = NOTHING;
  return wanted.connection === 'absent' ? { ...wanted, share, fleet, instance } : wanted;
}

function circumstancesOf({ one, other }: Pair, seed: number): Circumstances {
  const random = new Random(seed, `${one.name} ${other.name}`);
  const [first, second] = random.chance(0.5) ? [one, other] : [other, one];
  const situation = consistent({ ...NOTHING, ...first.needs, ...second.needs });
  const mayDie = random.chance(0.3);
  return {
    situation,
    disturbance: {
      ...CALM,
      newProcess: 0.5,
      slow: random.pick([0, 0.1, 0.4]),
      ...(mayDie ? { kill: 0.04, lostWrite: 0.02, repeatedWrite: 0.05 } : {}),
    },
    withinMs: random.pick([0, 20, 100, 1_000, 5_000]),
    counts: [random.int(1, one.most), random.int(1, other.most)],
  };
}

/**
 * Runs one race. Creates the situation, sends all requests, waits until no work is left, and checks what must
 * hold. Then deletes all fleets and checks that nothing of them is left.
 */
export async function playRace(pair: Pair, seed: number, traced = false): Promise<RaceResult> {
  const circumstances = circumstancesOf(pair, seed);
  const ground = new Ground(seed, CALM, traced, MAX_STEPS);
  const lab = new Lab(ground, {
    clouds: { aws: CLOUD },
    driverConcurrency: 4,
    driverTimeoutMs: 20_000,
    skewMs: 0,
    sweepIntervalMs: SWEEP_MS,
    onCloudEvent: () => {},
  });
  const violations: string[] = [];
  try {
    const played = play(lab, pair, circumstances, violations);
    await ground.scheduler.run(Promise.race([played, ground.exhaustion]));
  } catch (error) {
    violations.push(`the race broke off: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    lab.tables.takeBack();
  }
  return {
    pair: `${pair.one.name} × ${pair.other.name}`,
    seed,
    situation: circumstances.situation,
    violations,
    trace: ground.trace.lines,
  };
}

async function play(
  lab: Lab,
  { one, other }: Pair,
  { situation, disturbance, withinMs, counts }: Circumstances,
  violations: string[],
): Promise<void> {
  const { ground } = lab;
  const made = await lab.requestAccess((api) =>
    api.createApiKey({ ...plainly, params: {}, body: { name: 'raced-for' }, caller: CALLER }),
  );
  await bringAbout(lab, situation);
  lab.startSchedules();
  ground.disturbance = disturbance;
  ground.trace.add('race', `${one.name} × ${other.name} in ${JSON.stringify(situation)}`);
  const requests = [one, other].flatMap((move, side) =>
    // Even numbers for one move and odd numbers for the other, so that all requests differ even if a move
    // races with itself.
    Array.from({ length: counts[side === 0 ? 0 : 1] }, (_, at) => ({ move, at: at * 2 + side })),
  );
  const answers = await Promise.all(
    requests.map(async ({ move, at }) => {
      await ground.sleep(ground.random.int(0, withinMs));
      return await ask(lab, move, at, made.body.id);
    }),
  );
  ground.disturbance = CALM;
  violations.push(...(await rest(lab)));
  await ground.sleep(FINISHED_MS);
  violations.push(...checkState(lab));
  violations.push(...(await checkAnswers(lab, { situation, answers, apiKey: made.body })));
  await deleteFleets(lab);
  violations.push(...(await rest(lab)), ...checkGone(lab));
}

async function ask(lab: Lab, move: Move, at: number, apiKeyId: string): Promise<Answer> {
  const answer = { move, ...move.mark?.(at) };
  const { trace } = lab.ground;
  try {
    const body = await move.ask({ lab, at, apiKeyId });
    trace.add('race', `${move.name} ${at}: done`);
    return { ...answer, outcome: 'done', body };
  } catch (error) {
    const code = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    trace.add('race', `${move.name} ${at}: ${code}`);
    if (error instanceof Problem) return { ...answer, outcome: 'refused', code: error.code };
    // The SDK throws a `TimeoutError` when it gives up on a write without an answer. The write may have taken
    // effect.
    const isUnknown =
      error instanceof ProcessEnded || (error instanceof Error && error.name === 'TimeoutError');
    return { ...answer, outcome: isUnknown ? 'unknown' : 'broken', code };
  }
}

/**
 * Waits until no workflow runs and no work is queued.
 *
 * @returns a violation that names the remaining work, if work is left after `REST_WITHIN_MS`
 */
async function rest({ ground, queue, workflow }: Lab): Promise<string[]> {
  const untilMs = ground.now() + REST_WITHIN_MS;
  for (let quiet = 0; quiet < QUIET_CHECKS; quiet += 1) {
    await ground.sleep(CHECK_MS);
    if (workflow.running.length > 0 || queue.bodies.some(isWork)) quiet = 0;
    if (ground.now() <= untilMs) continue;
    const running = workflow.running.map(({ name }) => name);
    return [
      `work is left long after the requests: ${[...running, ...queue.bodies.filter(isWork)].join(', ')}`,
    ];
  }
  return [];
}

async function deleteFleets(lab: Lab): Promise<void> {
  for (const { fleetId, namespace } of liveFleets(lab)) {
    const params = { ...ofTeam, namespace, fleet: fleetId };
    await lab.request((api) => api.deleteFleet({ ...plainly, params }));
  }
}
