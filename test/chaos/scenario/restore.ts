import * as z from 'zod';
import { parseResourceName } from '../../../functions/drivers/contract/names.ts';
import { fleetOfResource } from '../../../functions/features/networks/network-names.ts';
import { CLOCK_SKEW_MS } from '../../../functions/model/clock-skew.ts';
import { connectionKey, parseInstanceId } from '../../../functions/model/identifiers.ts';
import { holdPartition } from '../../../functions/platform/store/keys.ts';
import type { SimEvent } from '../../../local/sim/engine/records.ts';
import { auditEntries, connectionsOf, fleetsOf, liveFleets } from '../invariants/check-access.ts';
import { hasAttempt, isReported } from '../invariants/forgotten-machines.ts';
import { violationBy } from '../invariants/violation.ts';
import type { CloudWatch } from '../invariants/watch-clouds.ts';
import { isInShared } from '../invariants/watch-sharing.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import { type Lab, NAMESPACE } from '../world/lab.ts';
import type { Client } from './client.ts';
import type { RestoreScript } from './draw-deployments.ts';
import type { Scenario } from './scenario.ts';
import { requestOf } from './turnovers.ts';

const MINUTE_MS = 60_000;
/**
 * Minimum age in ms of a backup whose restore the product notices. A counter shows the restore, and the
 * product raises the counter every five minutes.
 */
const NOTICED_MS = 6 * MINUTE_MS;
/**
 * Time that the operator leaves sweeps on hold after a restore, in ms. Each site is swept several times in
 * that time.
 */
const HELD_MS = 30 * MINUTE_MS;

const restoredSchema = z.object({ because: z.literal('restored') });

/**
 * Restores the table `fleets` from a backup, and checks what follows. Sweeps must stay on hold until an
 * operator continues them. Sweeps must report machines that were made after the backup and that no record is
 * bound to, and must never remove these machines.
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

  /** Makes the backup at its time. */
  async backUp({ backupAtMs }: RestoreScript): Promise<void> {
    const { ground, tables } = this.#lab;
    await ground.sleep(backupAtMs);
    this.#setBack = tables.backup();
    this.#backupAtMs = ground.now();
    this.#watch.forgotten.noteBackup(this.#backupAtMs);
    ground.trace.add('scenario', 'a backup of the table is taken');
  }

  /** Returns true while the operator leaves sweeps on hold after the restore. */
  readonly isLeftHeld = (): boolean => this.#lab.ground.now() < this.#heldUntilMs;

  /** Called with each event of the clouds. */
  readonly onEvent = (event: SimEvent): void => {
    if (event.kind !== 'instance' || event.record.planted) return;
    const { backendId, removeAskedAtMs, vanished } = event.record;
    if (removeAskedAtMs === undefined || this.#asked.has(backendId)) return;
    this.#asked.add(backendId);
    if (!this.#watch.forgotten.isSetBack || vanished || this.#endedByHand.has(backendId)) return;
    const machine = this.#lab.clouds.machines().find((one) => one.backendId === backendId);
    if (machine?.ours === undefined || hasAttempt(this.#lab, machine)) return;
    this.#add(`${backendId} of ${machine.ours} was removed after a restore, and no record lists its attempt`);
  };

  /**
   * Restores the table, and checks that sweeps are on hold and remove nothing. Then the operator continues
   * the sweeps, and removes by hand the reported machines and network resources of fleets that have records.
   *
   * @param sweptMs time in which each site is swept and every finding is reported
   */
  async play(client: Client, sweptMs: number): Promise<void> {
    const { ground } = this.#lab;
    await ground.sleep(Math.max(0, this.#dueAtMs() - ground.now()));
    this.#setBack?.();
    this.#watch.noteRestore();
    this.#heldUntilMs = ground.now() + HELD_MS;
    ground.counts.restores += 1;
    ground.trace.add('scenario', 'the table is restored');
    const sinceMs = ground.now() + this.#scenario.skewMs;
    await this.#connectAgain(client);
    await ground.sleep(Math.max(0, this.#heldUntilMs - 1 - ground.now()));
    for (const removed of this.#removedBySweeps(sinceMs))
      this.#add(`a sweep removed ${removed} after a restore, and no operator had continued the sweeps`);
    this.#checkHolds();
    await ground.sleep(sweptMs);
    this.#endByHand();
  }

  /**
   * Returns the earliest time of the restore. The backup must be so old that the product notices the restore.
   * The newest machine must be older than the allowed clock skew, because a younger machine looks as if a
   * launch after the restore made it. A real restore of a table takes longer than that.
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
    this.#watch.violations.push(violationBy('foreign', text, this.#lab.ground.caller));
  }

  /** Returns the positions of the audit entries of removals by sweeps since `sinceMs`. */
  #removedBySweeps(sinceMs: number): string[] {
    return auditEntries(this.#lab, 'orphan.terminating').filter(
      (key) => Date.parse(key.split('#')[0] ?? '') >= sinceMs,
    );
  }

  /** Creates the deleted connections that a restored fleet uses. */
  async #connectAgain(client: Client): Promise<void> {
    const known = new Set(connectionsOf(this.#lab).map(({ namespace, name }) => `${namespace}/${name}`));
    const wanted = new Set(liveFleets(this.#lab).flatMap(({ connections }) => connections));
    for (const turnover of this.#scenario.turnovers ?? []) {
      if (!wanted.has(turnover.name) || known.has(`${NAMESPACE}/${turnover.name}`)) continue;
      await client.createConnection(NAMESPACE, requestOf(this.#scenario, turnover, 'again'));
    }
  }

  /**
   * Checks that the sweeps of each Ready connection are on hold. Does nothing if there is clock skew, because
   * sweeps may then wait too long for a permit.
   */
  #checkHolds(): void {
    if (this.#scenario.skewMs > 0) return;
    const items = this.#lab.tables.fleets.all();
    for (const connection of connectionsOf(this.#lab)) {
      const { namespace, name, status } = connection;
      if (status !== 'Ready') continue;
      const pk = holdPartition(connectionKey(connection));
      const isHeld = items.some(
        (item) => item['pk'] === pk && restoredSchema.safeParse(item['hold']).success,
      );
      if (!isHeld) this.#add(`sweeps of ${namespace}/${name} are not on hold after a restore`);
    }
  }

  /**
   * Removes reported machines and network resources of fleets that have records, as an operator would by hand. Removes
   * also other reported machines and security groups, if they are in shared network resources that have records. Without
   * a grace time, the removal of each fleet at the site waits for these resources.
   */
  #endByHand(): void {
    const { clouds, ground } = this.#lab;
    const fleets = new Set(fleetsOf(this.#lab).map(({ fleetId }) => fleetId));
    const { world } = clouds.engine;
    for (const machine of clouds.machines()) {
      const { backendId, ours, status } = machine;
      if (ours === undefined || status === 'Terminated' || !this.#watch.forgotten.has(machine)) continue;
      const isOfFleet = fleets.has(parseInstanceId(ours)?.fleetId ?? '');
      if (!isOfFleet && !isInShared(this.#lab, machine)) continue;
      if (!isReported(this.#lab, backendId)) continue;
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
        const isOfFleet = fleets.has(fleetId ?? '');
        if (!isOfFleet && !isInShared(this.#lab, { networkId: part.networkId ?? '', securityGroupIds: [] }))
          continue;
        if (!this.#watch.forgotten.isPartExcused(this.#lab, part)) continue;
        world.commit({ kind: 'resource-gone', site: site.key, backendId: part.backendId });
      }
    }
  }
}
