import { usersOf } from '../../../features/sharing/other-users.ts';
import type { Connection } from '../../../model/connection.ts';
import type { GovernorView } from '../../../model/governor-view.ts';
import { connectionKey } from '../../../model/identifiers.ts';
import type { LimitTier } from '../../../model/limit-profile.ts';
import type { LimitSource } from '../../../model/limit-source.ts';
import { REQUEST_MORE, tierOf } from '../../../model/limit-tiers.ts';
import { limitProfileOf } from '../../../model/limits-in-force.ts';
import { reopenConnection, viewGovernor } from '../../../platform/governor/view-governor.ts';
import type { Store } from '../../../platform/store/store.ts';
import { readUnknownWords } from '../../../platform/store/unknown-words.ts';
import { findOwn, findVisible } from '../find-connection.ts';
import type { OperationsOf } from '../handle.ts';
import { withoutOthersFleets } from '../hide-fleets.ts';
import { viewQuotas } from './quotas.ts';

/** Says where the figures of a tier come from. What the cloud has reported comes first. */
function sourcesOf(connection: Connection, tier: LimitTier): LimitSource[] {
  const { sources } = tierOf(connection, tier);
  if (tier !== 'default') return [...sources];
  const reported = Object.keys(connection.reportedLimits ?? {});
  const applied = Object.keys(connection.appliedLimits ?? {});
  const told = (limits: string, source: string) => ({ limits, source, isEstimate: false });
  return [
    ...(applied.length === 0
      ? []
      : [
          told(
            'calls.create of locations',
            'quotas of the account, read by the latest syncs of the inventory',
          ),
        ]),
    ...(reported.length === 0
      ? []
      : [told(reported.join(', '), 'reported by the cloud at the latest verification')]),
    ...sources,
  ];
}

/** Returns what the governor knows, without the fleets of other namespaces than the given one. */
async function governorFor(
  store: Store<'fleets' | 'governor'>,
  namespace: string,
  connection: Connection,
): Promise<GovernorView> {
  const limits = limitProfileOf(connection, connection.limits);
  const { driver } = connection;
  const view = await viewGovernor(store, { driver, connectionKey: connectionKey(connection), limits });
  return usersOf(connection).length > 1 ? await withoutOthersFleets(store, namespace, view) : view;
}

/**
 * Returns the operations about limits, and about the words of the cloud that are not understood. A namespace that a
 * connection is shared with may read its limits, which hold for all namespaces together.
 */
export function limitOperations(
  store: Store<'access' | 'fleets' | 'governor' | 'catalogue'>,
): Pick<OperationsOf<'connections'>, 'getLimits' | 'reopenLimits' | 'getWords'> {
  return {
    async getLimits({ params: { namespace, connection: name } }) {
      const { connection } = await findVisible(store, namespace, name);
      const { cloud, limits = {} } = connection;
      const profile = limitProfileOf(connection, limits);
      const tier = limits.tier ?? 'default';
      const key = connectionKey(connection);
      return {
        body: {
          cloud,
          tier,
          profile,
          override: limits,
          ...(connection.reportedLimits && tier === 'default' ? { reported: connection.reportedLimits } : {}),
          ...(connection.appliedLimits && tier === 'default' ? { applied: connection.appliedLimits } : {}),
          cautious: tierOf(connection, 'cautious').profile,
          defaults: tierOf(connection, 'default').profile,
          power: tierOf(connection, 'power').profile,
          sources: sourcesOf(connection, tier),
          requestMore: REQUEST_MORE[cloud],
          governor: await governorFor(store, namespace, connection),
          ...(await viewQuotas(store, key)),
        },
      };
    },
    async getWords({ params: { namespace, connection: name } }) {
      const connection = await findOwn(store, namespace, name);
      const owner = { connectionKey: connectionKey(connection), createdAt: connection.createdAt };
      return { body: await readUnknownWords(store, owner) };
    },
    async reopenLimits({ params: { namespace, connection: name }, body: { location } }) {
      const connection = await findOwn(store, namespace, name);
      const ref = { driver: connection.driver, connectionKey: connectionKey(connection) };
      return { body: await reopenConnection(store, ref, location) };
    },
  };
}
