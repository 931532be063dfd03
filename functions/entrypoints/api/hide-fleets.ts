import type { GovernorView } from '../../model/governor-view.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import type { Store } from '../../platform/store/store.ts';

/**
 * Returns what the governor knows of a shared connection without the ids of other namespaces' fleets. Their launches still
 * count, because the limits are those of one account.
 */
export async function withoutOthersFleets(
  store: Store<'fleets'>,
  namespace: string,
  view: GovernorView,
): Promise<GovernorView> {
  const named = view.locations.flatMap(({ waiting, reasons }) => [
    ...waiting.byFleet.map(({ fleet }) => fleet),
    ...reasons.flatMap((reason) => (reason.why === 'quota' && reason.fleet ? [reason.fleet] : [])),
  ]);
  const ids = [...new Set(named)];
  const items = await Promise.all(ids.map((id) => readFleetItem(store, id)));
  const own = new Set(ids.filter((_, at) => items[at]?.namespace === namespace));
  return {
    ...view,
    locations: view.locations.map((location) => ({
      ...location,
      waiting: {
        ...location.waiting,
        byFleet: location.waiting.byFleet.filter(({ fleet }) => own.has(fleet)),
      },
      reasons: location.reasons.map((reason) => {
        if (reason.why !== 'quota' || reason.fleet === undefined || own.has(reason.fleet)) return reason;
        const { fleet: _, ...rest } = reason;
        return rest;
      }),
    })),
  };
}
