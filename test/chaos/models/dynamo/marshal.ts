import { type Item, isMap } from './evaluate.ts';

type Attribute =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { NULL: true }
  | { L: Attribute[] }
  | { M: Record<string, Attribute> };

/**
 * Returns an item in the wire format. The SDK's exceptions contain items in this format, because the document
 * client does not unmarshal exceptions.
 */
export function marshalled(item: Item): Record<string, Attribute> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, attribute(value)]));
}

function attribute(value: unknown): Attribute {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(attribute) };
  return isMap(value) ? { M: marshalled(value) } : { NULL: true };
}
