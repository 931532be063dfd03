import pLimit from 'p-limit';
import { layOut, sameSite } from '../../platform/placement/lay-out.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { appendAudit, idOfAct } from '../../platform/store/append-audit.ts';
import { type FleetItem, parseFleetItem, readSpec } from '../../platform/store/fleets.ts';
import { readNetworkPartition } from '../../platform/store/networks.ts';
import { endPlacement, type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import type { RemovalInput, TerminationSites } from '../../platform/workflow/messages.ts';
import { type AssignDeps, assignmentOf } from './assignment.ts';
import { pauseLaunching } from './stop-when-decided.ts';

const CONCURRENT_WRITES = 20;

/**
 * Runs the workflow's state BeginTermination: ends launching at every placement, including placements that
 * Assign has not opened yet. Returns the sites that have, or may have, anything to remove.
 *
 * With the scope `failed`, only failed instances are removed. Launching is then paused instead of ended, and
 * an execution that is no longer the fleet's current execution gets no sites.
 *
 * If the product decided the removal by itself, the audit log gets its entry. A second run adds none.
 */
export async function beginTermination(
  deps: Pick<AssignDeps, 'queueUrls'> & { store: AssignDeps['store'] & Store<'audit'> },
  { fleetId, execution, scope }: RemovalInput,
): Promise<TerminationSites> {
  const { store } = deps;
  const spec = await readSpec(store, fleetId);
  const layout = layOut(spec);
  const fleet = parseFleetItem((await readFleetPartition(store, fleetId)).meta);
  await recordOwnAct(store, fleet);
  const current = fleet.work !== undefined && fleet.execution === execution;
  // This execution is late: the fleet's work was already done, or another execution does the work. Resources
  // that exist now may belong to a later round.
  if (scope === 'failed' && !current) return { fleetId, scope, clouds: [] };
  const limit = pLimit(CONCURRENT_WRITES);
  if (scope === 'failed') await pauseLaunching(store, fleet, layout);
  else await Promise.all(layout.map((one) => limit(() => endPlacement(store, fleetId, one))));
  const { placements } = await readFleetPartition(store, fleetId);
  const { records, memberships } = await readNetworkPartition(store, { fleetId });
  const networks = [...records.filter(({ status }) => status !== 'Gone'), ...memberships];
  const occupied = layout.filter(
    (one) =>
      networks.some((item) => sameSite(one, item)) ||
      placements.some((item) => sameSite(one, item) && hasRecords(item)) ||
      one.count > 0,
  );
  const clouds = await assignmentOf(deps, occupied, fleet.round);
  return {
    fleetId,
    scope,
    clouds: clouds.map((cloud) => ({
      ...cloud,
      sites: cloud.sites.map(({ connectionKey, location, queueUrl }) => ({
        connectionKey,
        location,
        queueUrl,
      })),
    })),
  };
}

async function recordOwnAct(
  store: Store<'audit'>,
  { fleetId, name, namespace, ownAct }: FleetItem,
): Promise<void> {
  if (!ownAct) return;
  const { type, actor, atMs } = ownAct;
  await appendAudit(store, {
    at: isoTime(atMs),
    id: idOfAct(fleetId, type, atMs),
    type,
    namespace,
    actor,
    target: { kind: 'fleet', id: fleetId, name },
    result: 'succeeded',
  });
}

const hasRecords = ({ counts }: PlacementItem): boolean => Object.values(counts).some((count) => count > 0);
