import { type AuditFilter, listAudit } from '../../../features/audit/list-audit.ts';
import type { AuditEntry } from '../../../model/audit-entry.ts';
import type { Page, PageRequest } from '../../../platform/store/listing.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Operation } from '../handle.ts';
import { requireNamespace } from '../require-namespace.ts';

/** Positions of entries, as cursors have them. */
const POSITION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-z]{1,40}$/;

type Operations = Readonly<{
  listNamespaceAudit: Operation<'listNamespaceAudit'>;
  listAudit: Operation<'listAudit'>;
}>;

export function auditOperations(store: Store<'access' | 'audit'>): Operations {
  const list = async (
    logs: readonly string[] | undefined,
    { limit, cursor, ...filter }: PageRequest & AuditFilter,
  ): Promise<{ body: Page<AuditEntry> }> => {
    const page = await listAudit(store, logs, filter, { limit, cursor: decodeCursor(cursor, POSITION) });
    return { body: { items: page.items, cursor: encodeCursor(page.cursor) } };
  };
  return {
    async listNamespaceAudit({ params: { namespace }, query }) {
      const { createdAt } = await requireNamespace(store, namespace);
      // An earlier namespace of the same name may have belonged to others.
      const isEarlier = query.since === undefined || Date.parse(query.since) < Date.parse(createdAt);
      return await list([namespace], isEarlier ? { ...query, since: createdAt } : query);
    },
    async listAudit({ query: { namespace, ...query } }) {
      return await list(namespace === undefined ? undefined : [namespace], query);
    },
  };
}
