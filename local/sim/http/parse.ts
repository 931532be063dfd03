import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';

/** @throws HTTPException 400, which names every field that is wrong */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new HTTPException(400, { message: z.prettifyError(parsed.error) });
  return parsed.data;
}

/** @param whenEmpty what no body at all stands for; absent: a body is needed */
export async function readBody<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
  whenEmpty?: unknown,
): Promise<z.output<Schema>> {
  const text = await c.req.text();
  if (text === '' && whenEmpty !== undefined) return parse(schema, whenEmpty);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HTTPException(400, { message: 'the body is not JSON' });
  }
  return parse(schema, body);
}
