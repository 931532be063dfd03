import { DriverError } from '../../drivers/contract/errors.ts';
import { DEFAULT_ORPHAN_POLICY, type HoldReason, isClosedOrphan } from '../../model/orphan.ts';
import type { InstanceStatus } from '../../model/status.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { type OrphanItem, readSiteOrphans } from '../../platform/store/orphans.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { announce, newFinding, recordFinding } from '../findings/findings.ts';
import { followVolumes } from '../volumes/follow-volumes.ts';
import { nextState, stateOfMissing, stateWhenGone } from './finding-state.ts';
import { type HeldBack, heldBack } from './held-back.ts';
import { judgeSite } from './judge-site.ts';
import type { Judged } from './judged.ts';
import type { SiteList } from './list-site.ts';
import { removeOrphans } from './remove-orphans.ts';

/** A finding that this sweep handled, and whether it is new. */
export interface Found {
  item: OrphanItem;
  isNew: boolean;
}

/**
 * One sweep of one site, from the cloud's lists to the removal calls. A dry run neither writes nor makes removal calls.
 */
export class SiteSweep {
  readonly #context: WorkerContext;
  readonly #site: SiteRef;
  readonly #opened: OpenConnection;
  readonly #dryRun: boolean;
  readonly #found: Found[] = [];

  constructor(context: WorkerContext, site: SiteRef, opened: OpenConnection, dryRun: boolean) {
    this.#context = context;
    this.#site = site;
    this.#opened = opened;
    this.#dryRun = dryRun;
  }

  async run(list: SiteList): Promise<{ findings: Found[]; isRemoving: boolean }> {
    const { connectionKey, location } = this.#site;
    const read = await readSiteOrphans(this.#context.store, connectionKey, location);
    const items = this.#dryRun ? read : await Promise.all(read.map((item) => announce(this.#context, item)));
    const orphans = items.filter(({ reason }) => reason !== 'missing');
    const absentees = items.filter(({ reason }) => reason === 'missing');
    const further = absentees.filter(isOpen).map(({ instanceId }) => instanceId ?? '');
    const { shown, missing, records, isBehind } = await judgeSite(
      this.#context,
      this.#site,
      this.#opened,
      list,
      { further, dryRun: this.#dryRun },
    );
    const shownAs = new Map(shown.map((one) => [keyOf(one.subject), one]));
    const known = new Map(orphans.map((item) => [keyOf(item), item]));
    const pairs = shown.map((one) => ({ ...one, known: known.get(keyOf(one.subject)) }));
    // `heldBack` and `#follow` get the same time. With different times, a grace period could end in between,
    // and `#follow` would request a removal that `heldBack` has not checked.
    const nowMs = this.#context.store.clock.now();
    const held = await heldBack(this.#context, this.#site, this.#opened, pairs, {
      nowMs,
      dryRun: this.#dryRun,
    });
    for (const one of pairs) await this.#follow(one, one.known, held, nowMs);
    for (const item of orphans) {
      // Without a list of volumes, nothing is known of them.
      if (item.kind === 'volume' && list.volumes === undefined) continue;
      if (isOpen(item) && !shownAs.has(keyOf(item))) await this.#closeIfGone(item);
    }
    await this.#followMissing(absentees, missing, records, shownAs);
    const leaving =
      list.volumes && !this.#dryRun
        ? await followVolumes(this.#context, this.#site, this.#opened, list.volumes)
        : [];
    if (isBehind && !this.#dryRun) await startPolling(this.#context, this.#site);
    // Removes only machines and network resources that this sweep's list shows.
    const removing = this.#found.filter(
      ({ item }) => item.state === 'Terminating' && shownAs.has(keyOf(item)),
    );
    if (!this.#dryRun) {
      await removeOrphans(
        this.#context,
        this.#site,
        this.#opened,
        removing.map(({ item: { kind, backendId } }) => {
          const { machine, volume } = shownAs.get(keyOf({ kind, backendId })) ?? {};
          const isLeaving = volume?.isLeaving === true || LEAVING.has(machine?.status);
          return { kind, backendId, isLeaving };
        }),
      );
    }
    return { findings: this.#found, isRemoving: removing.length + leaving.length > 0 && !this.#dryRun };
  }

  /**
   * Advances the finding of a machine or network resource that the cloud shows, until its state no longer
   * changes.
   */
  async #follow(
    { subject, verdict }: Judged,
    known: OrphanItem | undefined,
    heldBecause: HeldBack,
    nowMs: number,
  ): Promise<void> {
    const { connection } = this.#opened;
    const held = heldBecause(subject);
    const usual = connection.orphans ?? DEFAULT_ORPHAN_POLICY;
    const policy = held ? { ...usual, action: 'report' as const } : usual;
    const wasOpen = known !== undefined && isOpen(known);
    let item = known;
    for (;;) {
      const state = nextState(item, verdict, policy, nowMs);
      if (state === undefined) break;
      const reason = verdict.claimed ? (item?.reason ?? 'no-record') : verdict.reason;
      const next =
        item && isOpen(item)
          ? {
              ...withHold(item, state === 'Reported' ? held : undefined),
              reason,
              state,
              stateSince: isoTime(nowMs),
            }
          : newFinding(connection, this.#site, subject, { reason, state, nowMs });
      item = await this.#write(next, item);
      if (!item) return;
      if (isClosedOrphan(state)) break;
    }
    if (item && (wasOpen || item !== known)) this.#found.push({ item, isNew: !wasOpen });
  }

  /**
   * Closes a finding about a machine or network resource that the list does not show. A list may leave out a
   * machine that exists. Only the cloud's answer about that machine proves that the machine no longer exists.
   */
  async #closeIfGone(item: OrphanItem): Promise<void> {
    if (item.kind === 'instance' && !(await this.#isGone(item.backendId))) {
      this.#found.push({ item, isNew: false });
      return;
    }
    await this.#close(item, stateWhenGone(item.state));
  }

  async #isGone(backendId: string): Promise<boolean> {
    try {
      const machine = await this.#opened.client.getInstance(this.#site.location, backendId);
      return machine.status === 'Terminated';
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return error.code === 'NotFound';
    }
  }

  /**
   * Writes findings about missing machines, and closes findings whose outcome is known. Starts the poll loop,
   * which checks the missing machines and updates their records.
   */
  async #followMissing(
    absentees: readonly OrphanItem[],
    missing: readonly InstanceItem[],
    records: ReadonlyMap<string, InstanceItem>,
    shownAs: ReadonlyMap<string, Judged>,
  ): Promise<void> {
    let toFind = 0;
    for (const item of absentees.filter(({ state }) => state === 'Vanished')) {
      // A worker reopened the machine's record, and died before it updated the finding.
      if (shownAs.get(keyOf(item))?.verdict.claimed) await this.#close(item, 'Returned');
    }
    for (const item of absentees.filter(isOpen)) {
      const state = stateOfMissing(item, records.get(item.instanceId ?? ''), shownAs.has(keyOf(item)));
      if (state) await this.#close(item, state);
      else {
        toFind += 1;
        this.#found.push({ item, isNew: false });
      }
    }
    const known = new Map(absentees.map((item) => [item.backendId, item]));
    for (const { backendId, instanceId, launchToken, fleetId } of missing) {
      if (backendId === undefined) continue;
      const earlier = known.get(backendId);
      if (earlier && isOpen(earlier)) continue;
      const nowMs = this.#context.store.clock.now();
      const subject = { kind: 'instance' as const, backendId, instanceId, launchToken, fleetId };
      const next = newFinding(this.#opened.connection, this.#site, subject, {
        reason: 'missing',
        state: 'Missing',
        nowMs,
      });
      const item = await this.#write(next, earlier);
      toFind += 1;
      if (item) this.#found.push({ item, isNew: true });
    }
    if (toFind > 0 && !this.#dryRun) await startPolling(this.#context, this.#site);
  }

  async #close(item: OrphanItem, state: OrphanItem['state']): Promise<void> {
    const stateSince = isoTime(this.#context.store.clock.now());
    const closed = await this.#write({ ...item, state, stateSince }, item);
    if (closed) this.#found.push({ item: closed, isNew: false });
  }

  async #write(
    next: Omit<OrphanItem, 'version'>,
    previous: OrphanItem | undefined,
  ): Promise<OrphanItem | undefined> {
    if (this.#dryRun) return { ...next, version: 0 };
    return await recordFinding(this.#context, next, previous);
  }
}

const LEAVING: ReadonlySet<InstanceStatus | undefined> = new Set(['Terminating', 'Terminated']);

function withHold(item: OrphanItem, heldBecause: HoldReason | undefined): OrphanItem {
  const { heldBecause: _, ...rest } = item;
  return heldBecause === undefined ? rest : { ...rest, heldBecause };
}

const keyOf = ({ kind, backendId }: Pick<OrphanItem, 'kind' | 'backendId'>): string => `${kind}#${backendId}`;
const isOpen = ({ state }: OrphanItem): boolean => !isClosedOrphan(state);
