import { useText } from '../../../features/sharing/other-users.ts';
import { shareConnection, unshareConnection } from '../../../features/sharing/share-connection.ts';
import { MAX_SHARES } from '../../../model/connection.ts';
import type { Store } from '../../../platform/store/store.ts';
import { findOwn, ownView } from '../find-connection.ts';
import type { OperationsOf } from '../handle.ts';
import { invalidRequest, notFound, Problem } from '../problem.ts';

const wrongTarget = (code: string, message: string): Problem =>
  invalidRequest([{ pointer: '{target}', code, message }]);

/** Operations that share connections with other namespaces. */
export function shareOperations(
  store: Store<'access' | 'fleets'>,
): Pick<OperationsOf<'connections'>, 'shareConnection' | 'unshareConnection'> {
  return {
    async shareConnection({ params: { namespace, connection: name, target } }) {
      await findOwn(store, namespace, name);
      const outcome = await shareConnection(store, { namespace, name, target });
      if (typeof outcome === 'object') return { body: ownView(outcome.connection) };
      switch (outcome) {
        case 'not-found':
          throw notFound(`connection ${name}`);
        case 'being-deleted':
          throw new Problem('being-deleted', `connection ${name} is being deleted`);
        case 'own-namespace':
          throw wrongTarget('contradictory', `connection ${name} belongs to namespace ${namespace}`);
        case 'unknown-namespace':
          throw wrongTarget('unknown-namespace', 'does not exist, or is being deleted');
        case 'too-many':
          throw wrongTarget('too-many', `a connection is shared with at most ${MAX_SHARES} namespaces`);
        case 'name-taken':
          throw new Problem(
            'name-taken',
            `another connection ${name} is shared with namespace ${target} already: create yours again under another name`,
          );
      }
    },
    async unshareConnection({ params: { namespace, connection: name, target }, query: { force } }) {
      await findOwn(store, namespace, name);
      const outcome = await unshareConnection(store, { namespace, name, target }, force === 'true');
      if (typeof outcome === 'object' && 'connection' in outcome)
        return { body: ownView(outcome.connection) };
      if (typeof outcome === 'object') {
        const detail = `namespace ${target} has ${useText(outcome.inUse)} on connection ${name}: have these removed first, or use --force (API: \`?force=true\`): no new fleet is accepted then, and what there is goes on until it is removed`;
        throw new Problem('in-use', detail, { extra: { usedByOthers: outcome.inUse } });
      }
      if (outcome === 'being-deleted')
        throw new Problem('being-deleted', `connection ${name} is being deleted`);
      throw notFound(
        outcome === 'not-found' ? `connection ${name}` : `a share of connection ${name} with ${target}`,
      );
    },
  };
}
