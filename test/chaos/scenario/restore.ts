import { z } from 'zod';
import { parseResourceName } from '../../../functions/drivers/contract/names.ts';
import { fleetOfResource } from '../../../functions/features/networks/network-names.ts';
import { CLOCK_SKEW_MS } from '../../../functions/model/clock-skew.ts';
import { parseInstanceId } from '../../../functions/model/identifiers.ts';
import type { SimEvent } from '../../../local/sim/engine/records.ts';
import { auditRows, connectionsOf, fleetsOf, liveFleets } from '../invariants/check-access.ts';
import { hasAttempt, isReported } from '../invariants/forgotten-machines.ts';
import type { CloudWatch } from '../invariants/watch-clouds.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import { type Lab, NAMESPACE } from '../world/lab.ts';
import type { Client } from './client.ts';
import type { RestoreScript } from './draw-deployments.ts';
import type { Scenario } from './scenario.ts';
import { requestOf } from './turnovers.ts';

const MINUTE_MS = 60_000;
/** A restore to less than five minutes ago is not noticed. */
const NOTICED_MS = 6 * MINUTE_MS;
/** For so long an operator leaves sweeps alone that hold for a restore. Each site is swept several times by then. */
const HELD_MS = 30 * MINUTE_MS;

const restoredSchema = z.object({ because: z.literal('restored') });

/**
 * Tables that are restored to an earlier time. What was made since then has no record, or one that forgot it: sweeps
 * hold until an operator continues them, and such machines are reported, and never removed.
 */
export class Restore {
  readonly #lab: Lab;
  readonly #scenario: Scenario;
  readonly #watch: CloudWatch;
  readonly #endedByHand = new Set<string>();
  readonly #asked = new Set<string>();
  #setBack: (() => void) | undefined;
  #backupAtMs = 0;
  #heldUntilMs = 0;

  constructor(lab: Lab, scenario: Scenario, watch: CloudWatch) {
    this.#lab = lab;
    this.#scenario = scenario;
    this.#watch = watch;
  }

  /** Takes the backup, at its time. */
  async backUp({ backupAtMs }: RestoreScript): Promise<void> {
    const { ground, tables } = this.#lab;
    await ground.sleep(backupAtMs);
    this.#setBack = tables.backup();
    this.#backupAtMs = ground.now();
    this.#watch.forgotten.noteBackup(this.#backupAtMs);
    ground.trace.add('scenario', 'a backup of the table is taken');
  }

  /** Whether the operator leaves sweeps alone that hold for the restore. */
  readonly isLeftHeld = (): boolean => this.#lab.ground.now() < this.#heldUntilMs;

  /** Told of all that happens at the clouds. */
  readonly onEvent = (event: SimEvent): void => {
    if (event.kind !== 'instance' || event.record.planted) return;
    const { backendId, removeAskedAtMs, vanished } = event.record;
    if (removeAskedAtMs === undefined || this.#asked.has(backendId)) return;
    this.#asked.add(backendId);
    if (!this.#watch.forgotten.isSetBack || vanished || this.#endedByHand.has(backendId)) return;
    const machine = this.#lab.clouds.machines().find((one) => one.backendId === backendId);
    if (machine?.ours === undefined || hasAttempt(this.#lab, machine)) return;
    this.#add(
      `${backendId} of ${machine.ours} was removed after a restore, and no record knows of its attempt`,
    );
  };

  /**
   * Sets the table back, and has an operator go through what sweeps report, before and after the sweeps are continued.
   *
   * @param sweptMs within so long each site is swept, and what is to be reported is reported
   */
  async play(client: Client, sweptMs: number): Promise<void> {
    const { ground } = this.#lab;
    await ground.sleep(Math.max(0, this.#dueAtMs() - ground.now()));
    this.#setBack?.();
    this.#watch.noteRestore();
    this.#heldUntilMs = ground.now() + HELD_MS;
    ground.counts.restores += 1;
    ground.trace.add('scenario', 'the table is set back');
    // Rows that were written in between are gone, and clocks may be apart.
    const sinceMs = (this.#backupAtMs + ground.now()) / 2;
    await this.#connectAgain(client);
    await ground.sleep(Math.max(0, this.#heldUntilMs - 1 - ground.now()));
    for (const removed of this.#removedBySweeps(sinceMs))
      this.#add(`a sweep removed ${removed} after a restore, and no operator said so`);
    this.#checkHolds();
    await ground.sleep(sweptMs);
    this.#endByHand();
  }

  /**
   * What is younger than clocks may be apart is not told from what a launch just after the restore makes: the restore of
   * a table takes longer than that.
   */
  #dueAtMs(): number {
    const newestMs = Math.max(0, ...this.#lab.clouds.machines().map(({ acceptedAtMs }) => acceptedAtMs));
    return Math.max(
      this.#backupAtMs + NOTICED_MS,
      newestMs + CLOCK_SKEW_MS + 2 * this.#scenario.skewMs + MINUTE_MS,
    );
  }

  #add(text: string): void {
    this.#lab.ground.trace.add('INVARIANT', `foreign: ${text}`);
    this.#watch.violations.push({ kind: 'foreign', text });
  }

  /** Keys of the audit rows of what sweeps had removed since then. */
  #removedBySweeps(sinceMs: number): string[] {
    return auditRows(this.#lab, 'Orphan Terminating').filter(
      (key) => Date.parse(key.split('#')[0] ?? '') >= sinceMs,
    );
  }

  /** Fleets that had ended are there again, and so may be fleets of connections that were deleted since. */
  async #connectAgain(client: Client): Promise<void> {
    const known = new Set(connectionsOf(this.#lab).map(({ namespace, name }) => `${namespace}/${name}`));
    const wanted = new Set(liveFleets(this.#lab).flatMap(({ connections }) => connections));
    for (const turnover of this.#scenario.turnovers ?? []) {
      if (!wanted.has(turnover.name) || known.has(`${NAMESPACE}/${turnover.name}`)) continue;
      await client.createConnection(NAMESPACE, requestOf(this.#scenario, turnover, 'again'));
    }
  }

  /** Where clocks are apart, sweeps may wait for the times of list calls for longer than this waits for them. */
  #checkHolds(): void {
    if (this.#scenario.skewMs > 0) return;
    const items = this.#lab.tables.fleets.all();
    for (const { namespace, name, status } of connectionsOf(this.#lab)) {
      if (status !== 'Ready') continue;
      const pk = `HOLD#${namespace}/${name}`;
      const isHeld = items.some(
        (item) => item['pk'] === pk && restoredSchema.safeParse(item['hold']).success,
      );
      if (!isHeld) this.#add(`sweeps of ${namespace}/${name} do not hold after a restore`);
    }
  }

  /** An operator ends what is in the way of a fleet that has records, and that nothing but a report speaks of. */
  #endByHand(): void {
    const { clouds, ground } = this.#lab;
    const fleets = new Set(fleetsOf(this.#lab).map(({ fleetId }) => fleetId));
    const { world } = clouds.engine;
    for (const machine of clouds.machines()) {
      const { backendId, ours, status } = machine;
      if (ours === undefined || status === 'Terminated' || !this.#watch.forgotten.has(machine)) continue;
      if (!fleets.has(parseInstanceId(ours)?.fleetId ?? '') || !isReported(this.#lab, backendId)) continue;
      this.#endedByHand.add(backendId);
      const record = clouds.sites.flatMap(({ live }) => live.get(backendId) ?? [])[0];
      const nowMs = ground.now();
      if (record)
        world.commit({
          kind: 'instance',
          record: { ...record, removeAskedAtMs: nowMs, terminatedAtMs: nowMs },
        });
    }
    for (const site of clouds.sites) {
      for (const part of site.resources.values()) {
        const fleetId = fleetOfResource(parseResourceName(DEPLOYMENT, part.name) ?? '');
        if (!fleets.has(fleetId ?? '') || !this.#watch.forgotten.isPartExcused(this.#lab, part)) continue;
        world.commit({ kind: 'resource-gone', site: site.key, backendId: part.backendId });
      }
    }
  }
}
