import * as z from 'zod';

/** Returns the part of a value at a path. Undefined: the value has no such part. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let part = value;
  for (const key of path) {
    if (typeof part !== 'object' || part === null) return undefined;
    part = Object.entries(part).find(([name]) => name === String(key))?.[1];
  }
  return part;
}

/** Returns the names of the fields that a schema knows at a path. Empty: it knows no fields there. */
export function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let parts = shapesOf(schema);
  for (const key of path) parts = parts.flatMap((part) => shapesOf(childOf(part, key)));
  return [...new Set(parts.flatMap((part) => (part instanceof z.ZodObject ? Object.keys(part.shape) : [])))];
}

/** Returns the objects, lists and maps that a schema can stand for, without what wraps them. */
function shapesOf(schema: unknown): unknown[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(shapesOf);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return shapesOf(schema.unwrap());
  if (schema instanceof z.ZodLazy) return shapesOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return shapesOf(schema.in);
  return schema === undefined ? [] : [schema];
}

function childOf(part: unknown, key: PropertyKey): unknown {
  if (part instanceof z.ZodObject) return Object.entries(part.shape).find(([name]) => name === key)?.[1];
  if (part instanceof z.ZodArray) return part.element;
  if (part instanceof z.ZodRecord) return part.valueType;
  return undefined;
}
