import type { Item } from '../../chaos/models/dynamo/evaluate.ts';
import type { Table } from '../../chaos/models/dynamo/table.ts';
import type { Lab } from '../../chaos/world/lab.ts';

/**
 * Makes a backup of all tables.
 *
 * @returns a function that restores the backup, immediately and for all readers
 */
export function backUpTables({ tables, ground }: Lab): () => void {
  const { fleets, governor, access, catalogue, history } = tables;
  const backups = [fleets, governor, access, catalogue, history].map((table) => ({
    table,
    items: structuredClone(table.all()),
  }));
  return () => {
    for (const { table, items } of backups) restore(table, items, ground.now());
  };
}

function restore(table: Table, items: readonly Item[], nowMs: number): void {
  const lags = { nowMs, baseAtMs: nowMs, indexAtMs: () => nowMs };
  const kept = new Set(items.map((item) => keyOf(item).join('\n')));
  for (const item of table.all()) {
    if (!kept.has(keyOf(item).join('\n'))) table.put(...keyOf(item), undefined, lags);
  }
  for (const item of items) table.put(...keyOf(item), item, lags);
}

function keyOf({ pk, sk }: Item): [pk: string, sk: string] {
  return [String(pk), String(sk)];
}
