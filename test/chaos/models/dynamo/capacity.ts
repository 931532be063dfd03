import { type Item, isMap } from './evaluate.ts';

const READ_UNIT_BYTES = 4_096;
const WRITE_UNIT_BYTES = 1_024;
/** Assumed size of a number in bytes. DynamoDB stores two digits of a number in a byte. */
const NUMBER_BYTES = 8;
const NESTED_BYTES = 3;

/**
 * Counts capacity units as DynamoDB bills them in on-demand mode:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-unit-calculations.html
 */
export class Capacity {
  readUnits = 0;
  writeUnits = 0;

  /**
   * Counts one read. The sizes of a query's items are added before rounding; any other read has at most one
   * item.
   */
  read(items: readonly Item[], isConsistent: boolean): void {
    const bytes = items.reduce((sum, item) => sum + sizeOf(item), 0);
    this.readUnits += Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (isConsistent ? 1 : 0.5);
  }

  /** Counts one write, also if it was refused. A write in a transaction costs twice as much. */
  write(before: Item | undefined, after: Item | undefined, isTransaction: boolean): void {
    const bytes = Math.max(before ? sizeOf(before) : 0, after ? sizeOf(after) : 0);
    this.writeUnits += Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES)) * (isTransaction ? 2 : 1);
  }

  /**
   * Counts the update of an index. An unchanged projection costs nothing, and a changed index key costs two
   * writes.
   */
  writeIndex(before: Item | undefined, after: Item | undefined, hasMoved: boolean): void {
    if (!before && !after) return;
    if (before && after && JSON.stringify(before) === JSON.stringify(after)) return;
    if (before && after && hasMoved) {
      this.write(before, undefined, false);
      this.write(undefined, after, false);
    } else this.write(before, after, false);
  }
}

/** Returns an item's size in bytes, computed as DynamoDB does: names and values. */
export function sizeOf(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueSize(value);
  return bytes;
}

function valueSize(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return NUMBER_BYTES;
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + 1 + valueSize(one), NESTED_BYTES);
  if (isMap(value)) return NESTED_BYTES + Object.keys(value).length + sizeOf(value);
  return 1;
}
