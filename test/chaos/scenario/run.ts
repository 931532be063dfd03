import { isTransitional } from '../../../functions/model/status.ts';
import { type FleetItem, parseFleetItem } from '../../../functions/platform/store/fleets.ts';
import { type InstanceItem, instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import type { SimEvent } from '../../../local/sim/engine/records.ts';
import { CALM, type FaultCounts } from '../ground/disturbance.ts';
import { Ground } from '../ground/ground.ts';
import { checkAccess, checkRemoval } from '../invariants/check-access.ts';
import { checkAudit } from '../invariants/check-audit.ts';
import { checkEnd, queuedLaunches } from '../invariants/check-end.ts';
import type { Violation } from '../invariants/violation.ts';
import { CloudWatch } from '../invariants/watch-clouds.ts';
import { KeptDiskWatch } from '../invariants/watch-kept-disks.ts';
import { MarketWatch } from '../invariants/watch-markets.ts';
import { QueueWatch } from '../invariants/watch-queue.ts';
import { RoundWatch } from '../invariants/watch-rounds.ts';
import { SharingWatch } from '../invariants/watch-sharing.ts';
import { SlotWatch } from '../invariants/watch-slots.ts';
import { TypeWatch } from '../invariants/watch-types.ts';
import { ZoneWatch } from '../invariants/watch-zones.ts';
import { limitsOf } from '../models/clouds.ts';
import { furnish } from '../world/furnish.ts';
import { Lab } from '../world/lab.ts';
import { machineKey } from '../world/last-writers.ts';
import { Client } from './client.ts';
import type { FleetScript } from './draw-fleets.ts';
import { befall, verify } from './incidents.ts';
import { Leftovers } from './leftovers.ts';
import { Operator } from './operator.ts';
import { Restore } from './restore.ts';
import type { Scenario } from './scenario.ts';
import { SecondWriter } from './second-writer.ts';
import { Singles } from './singles.ts';
import { Stage } from './stage.ts';
import { Strangers } from './strangers.ts';
import { Turnovers } from './turnovers.ts';
import { UsersNetworks } from './users-networks.ts';

const MINUTE_MS = 60_000;
/** Maximum time in ms from the end of the trouble until no work is left. Work after that is a violation. */
const REST_WITHIN_MS = 6 * 60 * MINUTE_MS;
/**
 * The same maximum with clock skew. This maximum is longer, because launches wait one after another, and each
 * launch may wait as long as the skew.
 */
const SKEWED_REST_WITHIN_MS = 36 * 60 * MINUTE_MS;
const CHECK_MS = 5_000;
/**
 * Number of consecutive checks that must find no work. The last work may have written what only the next poll
 * sees.
 */
const QUIET_CHECKS = 15;
/** Time in ms for two polls of a site at rest. */
const QUIET_MS = 3 * MINUTE_MS;

/**
 * Time in ms in which the schedule finishes changes of connections that a dead process began, and deletes
 * secrets that were written late.
 */
const FINISHED_MS = 25 * MINUTE_MS;

/** Age in ms from which every read sees a write. */
const READ_LAG_MS = 1_000;

export interface RunResult {
  seed: number;
  violations: Violation[];
  counts: FaultCounts & { cloudFaults: number };
  instances: number;
  /** Number of fleets in each status after the trouble. */
  outcomes: Record<string, number>;
  steps: number;
  virtualMinutes: number;
  /** Digest of the trace; empty if no trace was kept. */
  digest: string;
  trace: readonly string[];
  /**
   * For each line of the trace: the product file that made the call; undefined if no product file made a call.
   */
  callers: readonly (string | undefined)[];
}

/**
 * Code of a test that runs during the trouble, in addition to the scenario. An error that the story throws is
 * reported as a violation of kind `bug`.
 */
export type Story = (stage: Stage) => Promise<void>;

export async function runScenario(scenario: Scenario, traced: boolean, story?: Story): Promise<RunResult> {
  const ground = new Ground(scenario.seed, CALM, traced);
  const watch = new CloudWatch(ground, scenario.skewMs);
  let leftovers: Leftovers | undefined;
  let restore: Restore | undefined;
  const onCloudEvent = (event: SimEvent) => {
    watch.onEvent(event);
    disks.onEvent(event);
    leftovers?.onEvent(event);
    restore?.onEvent(event);
    if (event.kind === 'instance' && event.record.removeAskedAtMs !== undefined)
      lab.writers.note(machineKey(event.record.backendId));
  };
  const disks = new KeptDiskWatch(() => lab, watch.violations);
  const zones = new ZoneWatch(ground, watch.violations, scenario);
  const markets = new MarketWatch(ground, watch, scenario.skewMs);
  const lab = new Lab(ground, { ...scenario, onCloudEvent });
  if (scenario.restore) restore = new Restore(lab, scenario, watch);
  const second = scenario.secondWriter && new SecondWriter(lab, scenario, scenario.secondWriter);
  if (scenario.hasLeftovers) leftovers = new Leftovers(lab, scenario, watch.violations);
  const sharing = new SharingWatch(lab, watch);
  const types = new TypeWatch(lab, watch.violations);
  const rounds = new RoundWatch(ground, watch.violations, lab.tables.fleets);
  lab.tables.fleets.onWrite = (before, after) => {
    watch.onRecord(before, after);
    sharing.onRecord(before, after);
    zones.onRecord(before, after);
    types.onRecord(before, after);
    rounds.onRecord(before, after);
    markets.onRecord(before, after);
    lab.writers.onWrite(before, after);
  };
  lab.tables.access.onWrite = (before, after) =>
    void watch.violations.push(...checkRemoval(lab, before, after));
  const violations = watch.violations;
  const queueWatch = new QueueWatch(ground, violations);
  const { governor } = lab.tables;
  const slots = new SlotWatch(ground, violations, (one) => watch.mayBeTakenForGone(one));
  watch.onMachine = (record, isNew) => {
    slots.onMachine(record, isNew);
    markets.onMachine(record, isNew);
  };
  governor.onWrite = (before, after) => {
    queueWatch.onRow(before, after);
    slots.onRow(before, after);
    lab.writers.onWrite(before, after);
  };
  lab.queue.onSend = queueWatch.onSend;
  const outcomes: Record<string, number> = {};
  try {
    const played = play(lab, scenario, { watch, outcomes, leftovers, restore, second }, story);
    await ground.scheduler.run(Promise.race([played, ground.exhaustion]));
  } catch (error) {
    violations.push({
      kind: 'bug',
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  } finally {
    lab.tables.takeBack();
    second?.end();
  }
  const { faults } = lab.clouds.engine.world.state;
  const cloudFaults = [...faults.values()].reduce((sum, { hits }) => sum + hits, 0);
  return {
    seed: scenario.seed,
    violations,
    counts: { ...ground.counts, cloudFaults },
    instances: lab.clouds.machines().length,
    outcomes,
    steps: ground.steps,
    virtualMinutes: Math.round((ground.now() - ground.startMs) / MINUTE_MS),
    digest: traced ? ground.trace.digest() : '',
    trace: ground.trace.lines,
    callers: ground.trace.callers,
  };
}

/** The parts of a run that act in addition to its users, and where the run keeps what it observed. */
interface Cast {
  watch: CloudWatch;
  outcomes: Record<string, number>;
  leftovers: Leftovers | undefined;
  restore: Restore | undefined;
  second: SecondWriter | undefined;
}

async function play(
  lab: Lab,
  scenario: Scenario,
  { watch, outcomes, leftovers, restore, second }: Cast,
  story?: Story,
): Promise<void> {
  const { ground } = lab;
  const { violations } = watch;
  const { connections, clouds, graceSeconds } = scenario;
  await furnish(
    lab,
    connections.map(({ name, cloud, limits }) => {
      const config = clouds[cloud];
      if (!config) throw new Error(`the scenario has no cloud ${cloud}`);
      const orphans = { action: 'terminate' as const, graceSeconds };
      return { name, cloud, limits: { ...limitsOf(config), ...limits }, orphans };
    }),
  );
  lab.startSchedules();
  ground.trace.add('scenario', `trouble for ${scenario.troubleMs / MINUTE_MS} min`);
  ground.disturbance = scenario.disturbance;
  for (const fault of scenario.cloudFaults) lab.clouds.engine.addFault(fault);
  const incidents = scenario.incidents.map((incident) => befall(lab, watch, incident, scenario.troubleMs));
  const client = new Client(lab);
  const given = new UsersNetworks(lab, scenario);
  const strangers = new Strangers(lab, scenario);
  if (scenario.hasOperator) void new Operator(lab, client, () => restore?.isLeftHeld() ?? false).watch();
  const users = scenario.fleets.map((script, at) =>
    use(lab, client, { ...script, request: given.requestOf(script) }, `key-${at}`),
  );
  const told = story && ground.sleep(READ_LAG_MS).then(() => story(new Stage(lab, watch.missed)));
  const planted = Promise.all([strangers.plant(), leftovers?.plant()]);
  // Its error is thrown where it is awaited, after the trouble. Until then, the error must not end the process.
  planted.catch(() => undefined);
  const turned = new Turnovers(lab, client, scenario).play();
  const waited = new Singles(lab, client, violations).play(scenario.singles ?? []);
  const others = [
    scenario.restore && restore?.backUp(scenario.restore),
    scenario.secondWriter && second?.play(scenario.secondWriter),
  ];
  await Promise.all([
    ...users,
    ...incidents,
    ...others,
    told,
    turned,
    waited,
    ground.sleep(scenario.troubleMs),
  ]);
  const checkAll = () => [
    ...checkEnd(lab, watch.forgotten),
    ...checkAccess(lab, watch.forgotten),
    ...checkAudit(lab),
    ...strangers.check(watch.goneAtMs),
    ...watch.missed.check(lab),
    ...given.check(),
    ...(second?.check() ?? []),
  ];
  calm(lab);
  await planted;
  // The user has each connection verified again, because the cloud may have refused its credential during the
  // trouble.
  for (const { name } of scenario.connections) verify(lab, name);
  // With clock skew, a process with a fast clock delays the calls of processes with slower clocks. Everything
  // takes longer.
  const sweptMs =
    QUIET_MS + 3 * scenario.sweepIntervalMs + scenario.graceSeconds * 1_000 + 6 * scenario.skewMs;
  const isTurned = (scenario.turnovers ?? []).length > 0;
  const quietMs = Math.max(sweptMs, isTurned ? FINISHED_MS + 2 * scenario.skewMs : 0);
  if (!(await restWithOperator(lab, quietMs, scenario.skewMs)))
    violations.push({
      kind: 'stuck',
      text: 'fleets or workflows still have work long after the trouble ended',
    });
  violations.push(...checkAll());
  for (const { status } of fleetsOf(lab)) outcomes[status] = (outcomes[status] ?? 0) + 1;
  if (violations.length > 0) return;
  if (restore) {
    await restore.play(client, sweptMs);
    if (!(await restWithOperator(lab, quietMs, scenario.skewMs)))
      violations.push({ kind: 'stuck', text: 'fleets or workflows still have work long after the restore' });
    violations.push(...checkAll());
    if (violations.length > 0) return;
  }
  await removeAll(lab, client, scenario.skewMs);
  violations.push(...checkAll());
  for (const machine of lab.clouds.machines()) {
    const { status, backendId, ours } = machine;
    if (ours !== undefined && status !== 'Terminated' && !watch.forgotten.isExcused(lab, machine))
      violations.push({
        kind: 'leaked',
        text: `${backendId} of ${ours} is ${status} after all fleets were deleted`,
      });
  }
}

async function use(lab: Lab, client: Client, script: FleetScript, key: string): Promise<void> {
  await lab.ground.sleep(script.createAtMs);
  const beganMs = lab.ground.now() - script.createAtMs;
  const fleetId = await client.create(script, key);
  lab.ground.trace.add('client', `fleet ${script.request.name} is ${fleetId}`);
  if (fleetId === undefined) return;
  const until = (atMs: number) => lab.ground.sleep(Math.max(0, beganMs + atMs - lab.ground.now()));
  const removals = script.deleteAtMs.map(async (atMs) => {
    await until(atMs);
    lab.ground.trace.add('client', `deletes ${fleetId}`);
    await client.remove(fleetId);
  });
  const actions = script.actions.map(async ({ atMs, request }) => {
    await until(atMs);
    lab.ground.trace.add('client', `${request.action} ${fleetId}`);
    await client.act(fleetId, request);
  });
  await Promise.all([...removals, ...actions]);
}

/** Ends all disturbance and all faults of the clouds. */
function calm({ ground, clouds }: Lab): void {
  ground.trace.add('scenario', 'the trouble is over');
  ground.disturbance = CALM;
  const { state } = clouds.engine.world;
  for (const fault of state.faults.values()) state.faults.set(fault.id, { ...fault, probability: 0 });
}

/**
 * Returns true if the message is work for a fleet. Polls and sweeps are not such work: they repeat without an
 * end.
 */
export const isWork = (body: string) => !/^\{"kind":"(poll|sweep)/.test(body);

/** Returns true if the message reads a catalogue. No fleet waits for catalogues. */
const isInventory = (body: string) => body.startsWith('{"kind":"sync-inventory"');

/** Waits until nothing is in progress. @returns false if the time limit passed first */
async function rest(lab: Lab, quietMs: number, skewMs: number): Promise<boolean> {
  const { ground, queue, workflow } = lab;
  const untilMs = ground.now() + (skewMs > 0 ? SKEWED_REST_WITHIN_MS : REST_WITHIN_MS);
  await ground.sleep(quietMs);
  for (let quiet = 0; quiet < QUIET_CHECKS; quiet += 1) {
    const isLate = () => {
      const lost = new Set(lab.clouds.machines().flatMap((one) => (one.vanished ? [one.backendId] : [])));
      return (
        instancesOf(lab).some(
          ({ status, backendId = '' }) =>
            isTransitional(status) || (status === 'Running' && lost.has(backendId)),
        ) || queuedLaunches(lab).length > 0
      );
    };
    // With clock skew, a worker with a fast clock reserves times for list calls. Slower workers then wait for
    // hours.
    const isUnderWay = (body: string) => isWork(body) && !(skewMs > 0 && isInventory(body));
    // After a restore, ended executions may have the names of the next executions of a fleet. A fleet may
    // then have work although no execution runs. Wait until no fleet has work.
    const isToGoOn = ground.counts.restores > 0 && fleetsOf(lab).some(({ work }) => work !== undefined);
    if (isToGoOn || workflow.running.length > 0 || queue.bodies.some(isUnderWay) || (skewMs > 0 && isLate()))
      quiet = 0;
    if (ground.now() > untilMs) return false;
    await ground.sleep(CHECK_MS);
  }
  return true;
}

/**
 * Waits as `rest` does. Waits again if the operator continued sweeps in that time, because these sweeps then
 * have more to do.
 */
async function restWithOperator(lab: Lab, quietMs: number, skewMs: number): Promise<boolean> {
  for (;;) {
    const { continuedSweeps } = lab.ground.counts;
    if (!(await rest(lab, quietMs, skewMs))) return false;
    if (lab.ground.counts.continuedSweeps === continuedSweeps) return true;
  }
}

/**
 * Deletes every fleet that has not ended, including fleets with an unfinished deletion, and waits for rest.
 */
async function removeAll(lab: Lab, client: Client, skewMs: number): Promise<void> {
  await Promise.all(
    fleetsOf(lab)
      .filter(({ status }) => status !== 'Terminated' && status !== 'RolledBack')
      .map(({ fleetId }) => client.remove(fleetId)),
  );
  await rest(lab, QUIET_MS + 6 * skewMs, skewMs);
}

function fleetsOf({ tables }: Lab): FleetItem[] {
  return tables.fleets
    .all()
    .flatMap((item) =>
      item['sk'] === 'META' && String(item['pk']).startsWith('FLEET#') ? [parseFleetItem(item)] : [],
    );
}

function instancesOf({ tables }: Lab): InstanceItem[] {
  return tables.fleets
    .all()
    .flatMap((item) => (String(item['pk']).startsWith('INST#') ? [instanceItemSchema.parse(item)] : []));
}
