import type { Connection } from '../../../model/connection.ts';
import { connectionKey } from '../../../model/identifiers.ts';
import type { LimitTier } from '../../../model/limit-profile.ts';
import type { LimitSource } from '../../../model/limit-source.ts';
import { REQUEST_MORE, tierOf } from '../../../model/limit-tiers.ts';
import { limitProfileOf } from '../../../model/limits-in-force.ts';
import { reopenConnection, viewGovernor } from '../../../platform/governor/view-governor.ts';
import type { Store } from '../../../platform/store/store.ts';
import { readUnknownWords } from '../../../platform/store/unknown-words.ts';
import type { OperationsOf } from '../handle.ts';
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

/**
 * Returns the operations about limits, and about the words of the cloud that are not understood.
 *
 * @param read returns the connection that a request names, and throws Problem 404 if it does not exist
 */
export function limitOperations(
  store: Store<'governor' | 'catalogue'>,
  read: (namespace: string, name: string) => Promise<Connection>,
): Pick<OperationsOf<'connections'>, 'getLimits' | 'reopenLimits' | 'getWords'> {
  return {
    async getLimits({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      const { cloud, driver, limits = {} } = connection;
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
          governor: await viewGovernor(store, { driver, connectionKey: key, limits: profile }),
          ...(await viewQuotas(store, key)),
        },
      };
    },
    async getWords({ params: { namespace, connection: name } }) {
      const connection = await read(namespace, name);
      const owner = { connectionKey: connectionKey(connection), createdAt: connection.createdAt };
      return { body: await readUnknownWords(store, owner) };
    },
    async reopenLimits({ params: { namespace, connection: name }, body: { location } }) {
      const connection = await read(namespace, name);
      const ref = { driver: connection.driver, connectionKey: connectionKey(connection) };
      return { body: await reopenConnection(store, ref, location) };
    },
  };
}
