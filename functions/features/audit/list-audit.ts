import { AUDIT_DAYS, type AuditEntry, type AuditResult } from '../../model/audit-entry.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { positionOf } from '../../platform/store/audit-keys.ts';
import type { Page, PageRequest } from '../../platform/store/listing.ts';
import { readLogNames, readNewest } from '../../platform/store/read-audit.ts';
import type { Store } from '../../platform/store/store.ts';

/** Maximum number of entries that are read for one page. With a filter, the page may then be short. */
const MAX_READ = 2_000;
const KEPT_MS = AUDIT_DAYS * 86_400_000;

/** Conditions on entries. All of them must hold. */
export interface AuditFilter {
  /** A type, or the beginning of types and `*`. */
  type?: string | undefined;
  /** A kind of actors, a name, or both with `/` between them. */
  actor?: string | undefined;
  /** A kind of things, a name, an id, or a kind and one of these with `/` between them. */
  target?: string | undefined;
  result?: AuditResult | undefined;
  /** ISO 8601. The entries begin at this time. */
  since?: string | undefined;
  /** ISO 8601. The entries end before this time. */
  until?: string | undefined;
}

/**
 * Lists entries of logs, newest first. The cursor is the position of the last entry that was read, also if the filter has
 * left it out.
 *
 * @param logs names of the logs; undefined: all logs
 */
export async function listAudit(
  store: Store<'audit'>,
  logs: readonly string[] | undefined,
  filter: AuditFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<AuditEntry>> {
  // DynamoDB deletes expired items late.
  const since = [timeOf(filter.since), isoTime(Math.max(0, store.clock.now() - KEPT_MS))].toSorted().at(-1);
  const range = { since, until: filter.until && timeOf(filter.until), after: cursor };
  const items: AuditEntry[] = [];
  let read = 0;
  let last: AuditEntry | undefined;
  for await (const entry of readNewest(store, logs ?? (await readLogNames(store)), range, limit)) {
    // This entry is left for the next page. It shows that there is one.
    if (last && (items.length === limit || read === MAX_READ)) return { items, cursor: positionOf(last) };
    last = entry;
    read += 1;
    if (matches(entry, filter)) items.push(entry);
  }
  return { items, cursor: null };
}

/** Returns a time in the form that positions have. '' comes before all of them. */
const timeOf = (time: string | undefined): string => (time === undefined ? '' : isoTime(Date.parse(time)));

/** Returns true if an entry meets the conditions about its content. Pure. */
export function matches(
  entry: AuditEntry,
  { type, actor, target, result }: Pick<AuditFilter, 'type' | 'actor' | 'target' | 'result'>,
): boolean {
  const { kind, name, id } = entry.target;
  const names = [name, id].filter((one) => one !== undefined);
  return (
    (type === undefined || isOfType(entry.type, type)) &&
    (actor === undefined || isNamed(actor, entry.actor.kind, [entry.actor.name])) &&
    (target === undefined || isNamed(target, kind, names)) &&
    (result === undefined || entry.result === result)
  );
}

const isOfType = (type: string, pattern: string): boolean =>
  pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;

function isNamed(asked: string, kind: string, names: readonly string[]): boolean {
  return asked === kind || names.some((name) => asked === name || asked === `${kind}/${name}`);
}
