import type { DriverError } from '../../drivers/contract/errors.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { type PlacementItem, recordStuck } from '../../platform/store/placements.ts';
import { afterFailure, isDue, type StuckItem } from '../../platform/store/stuck.ts';
import { clearStuck, updateInstance } from '../../platform/store/transition.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Found } from './poll.ts';

/** A machine to remove, and its record in Terminating. */
export interface Removal {
  record: InstanceItem;
  backendId: string;
}

/** If a machine exists for this time after its removal began, in ms, the removal counts as stuck. */
const SLOW_MS = 600_000;
/** Code of a removal that the cloud accepted, and has not completed within SLOW_MS. */
const NOT_REMOVED = 'NotRemoved';

/**
 * Returns the removals whose next try is due. A removal without failed tries is always due. If a user has asked
 * for the fleet's removal since the latest try, the next try is due immediately.
 */
export async function dueRemovals(
  { store }: WorkerContext,
  removals: readonly Removal[],
): Promise<readonly Removal[]> {
  const nowMs = store.clock.now();
  const early = removals.filter(({ record }) => !isDue(record.stuck, nowMs));
  if (early.length === 0) return removals;
  const fleetIds = [...new Set(early.map(({ record }) => record.fleetId))];
  const fleets = await Promise.all(fleetIds.map((fleetId) => readFleetItem(store, fleetId)));
  const askedAtMs = new Map(fleets.map((fleet) => [fleet?.fleetId, fleet?.removalAskedAtMs]));
  return removals.filter(({ record }) => isDue(record.stuck, nowMs, askedAtMs.get(record.fleetId)));
}

/**
 * Records the tries of one poll to remove machines: in the instance's record what failed, and in the placement a
 * summary for the fleet's view.
 */
export class RemovalTries {
  readonly #context: WorkerContext;
  readonly #site: SiteRef;
  readonly #stuck: Map<string, { record: InstanceItem; stuck: StuckItem }>;
  readonly #changed = new Set<string>();

  constructor(context: WorkerContext, site: SiteRef, removals: readonly Pick<Removal, 'record'>[]) {
    this.#context = context;
    this.#site = site;
    this.#stuck = new Map(
      removals.flatMap(({ record }) =>
        record.stuck ? [[record.instanceId, { record, stuck: record.stuck }] as const] : [],
      ),
    );
  }

  /** Records that the cloud refused to remove a machine. */
  async refused(record: InstanceItem, error: DriverError): Promise<void> {
    const { store } = this.#context;
    await this.#write(record, afterFailure(record.stuck, error, store, error.retryAfterMs));
  }

  /**
   * Records that the cloud accepted a removal. If the machine exists long after its removal began, the removal is
   * stuck although the cloud accepts it.
   */
  async accepted(record: InstanceItem): Promise<void> {
    const { stuck } = record;
    if (stuck && stuck.code !== NOT_REMOVED) {
      if (await clearStuck(this.#context.store, record)) this.#forget(record);
    } else if (isSlow(record, this.#context.store.clock.now())) {
      await this.#write(record, afterFailure(stuck, notRemoved(record), this.#context.store));
    }
  }

  /** Records that the cloud has been removing a machine for a long time. No further call is made for it. */
  async noteSlow(found: readonly Found[]): Promise<void> {
    const nowMs = this.#context.store.clock.now();
    const slow = found.filter(
      ({ record, finding }) =>
        finding.action === 'none' && isSlow(record, nowMs) && record.stuck?.code !== NOT_REMOVED,
    );
    for (const { record } of slow) {
      const { nextTryAtMs: _, ...stuck } = afterFailure(undefined, notRemoved(record), this.#context.store);
      await this.#write(record, { ...stuck, sinceMs: record.terminatingAtMs ?? nowMs });
    }
  }

  /** Writes the summary of each placement whose instances this poll has tried to remove. */
  async summarize(): Promise<void> {
    const fleetIds = [...this.#changed];
    this.#changed.clear();
    for (const fleetId of fleetIds) {
      const of = [...this.#stuck.values()].filter(({ record }) => record.fleetId === fleetId);
      await recordStuck(this.#context.store, { fleetId, ...this.#site }, summaryOf(of));
    }
  }

  async #write(record: InstanceItem, stuck: StuckItem): Promise<void> {
    if (!(await updateInstance(this.#context.store, record, { stuck }))) return;
    this.#stuck.set(record.instanceId, { record, stuck });
    this.#changed.add(record.fleetId);
  }

  #forget(record: InstanceItem): void {
    this.#stuck.delete(record.instanceId);
    this.#changed.add(record.fleetId);
  }
}

const isSlow = ({ status, terminatingAtMs }: InstanceItem, nowMs: number): boolean =>
  status === 'Terminating' && terminatingAtMs !== undefined && terminatingAtMs + SLOW_MS < nowMs;

function notRemoved({ terminatingAtMs = 0 }: InstanceItem): { code: string; message: string } {
  const since = new Date(terminatingAtMs).toISOString();
  const message = `the cloud accepted the removal, which began at ${since}, and still has the machine`;
  return { code: NOT_REMOVED, message };
}

/** Returns the error of the instance with the most tries, and the earliest times of all. Pure. */
function summaryOf(
  members: readonly { record: InstanceItem; stuck: StuckItem }[],
): PlacementItem['stuck'] | undefined {
  const [worst] = members.toSorted((one, other) => other.stuck.tries - one.stuck.tries);
  if (!worst) return undefined;
  const nextMs = members.flatMap(({ stuck }) => stuck.nextTryAtMs ?? []);
  const { nextTryAtMs: _, ...stuck } = worst.stuck;
  return {
    ...stuck,
    sinceMs: Math.min(...members.map((one) => one.stuck.sinceMs)),
    ...(nextMs.length > 0 ? { nextTryAtMs: Math.min(...nextMs) } : {}),
    instances: members.length,
    instanceId: worst.record.instanceId,
  };
}
