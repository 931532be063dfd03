import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';

/** Parses a value. @throws HTTPException 400, which names every invalid field */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new HTTPException(400, { message: z.prettifyError(parsed.error) });
  return parsed.data;
}

/** Parses a request's body. @param whenEmpty the value for an empty body; absent: a body is required */
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
