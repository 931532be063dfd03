import type { ActionFacts } from '../../model/fleet-action.ts';
import type { FleetItem } from '../../platform/store/fleets.ts';
import type { PlacementItem } from '../../platform/store/placements.ts';

/**
 * Derives the facts that decide which actions a fleet allows, from the fleet's item and its placements'
 * counters. Pure.
 */
export function actionFacts(fleet: FleetItem, placements: readonly PlacementItem[]): ActionFacts {
  const count = (status: 'Running' | 'Failed' | 'Terminated') =>
    placements.reduce((sum, { counts }) => sum + (counts[status] ?? 0), 0);
  const missing = fleet.requested - count('Running');
  return {
    status: fleet.status,
    working: fleet.work !== undefined,
    launching: fleet.work === 'provision',
    missing,
    failed: missing - count('Terminated'),
  };
}
