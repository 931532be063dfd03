import jsonata from 'jsonata';
import * as z from 'zod';
import { isJson, type Json } from './definition.ts';
import { StatesError } from './errors.ts';

/** The value of `$states` in an expression. */
export interface Bindings {
  input: Json;
  context: Json;
  result?: Json;
  errorOutput?: { Error: string; Cause: string };
}

const compiled = new Map<string, jsonata.Expression>();

/** Compiles a JSONata expression. Of the functions that Step Functions adds to JSONata, it supports only `$range`. */
function compile(source: string): jsonata.Expression {
  const known = compiled.get(source);
  if (known) return known;
  const expression = jsonata(source);
  expression.registerFunction('range', (first: number, last: number, step: number) => {
    const length = Math.max(0, Math.floor((last - first) / step) + 1);
    if (!(length <= 1_000)) throw new TypeError('$range makes at most 1,000 numbers');
    return Array.from({ length }, (_, at) => first + at * step);
  });
  compiled.set(source, expression);
  return expression;
}

async function evaluate(source: string, states: Bindings): Promise<Json> {
  let value: unknown;
  try {
    value = await compile(source).evaluate(undefined, { states });
  } catch (error) {
    const reason = z.object({ message: z.string() }).safeParse(error).data?.message ?? String(error);
    throw new StatesError('States.QueryEvaluationError', `${source}: ${reason}`);
  }
  if (!isJson(value))
    throw new StatesError('States.QueryEvaluationError', `${source}: the value is not JSON`);
  return value;
}

/** Returns a template in which each `{% … %}`, at any depth, is replaced by its value. */
export async function fill(template: Json, states: Bindings): Promise<Json> {
  if (typeof template === 'string') {
    const source = /^\{%(.*)%\}$/s.exec(template)?.[1];
    return source === undefined ? template : evaluate(source.trim(), states);
  }
  if (Array.isArray(template)) return Promise.all(template.map((part) => fill(part, states)));
  if (typeof template !== 'object' || template === null) return template;
  const filled: Record<string, Json> = {};
  for (const [key, part] of Object.entries(template)) filled[key] = await fill(part, states);
  return filled;
}

/**
 * Evaluates the expressions in a field of a state.
 *
 * @throws StatesError States.QueryEvaluationError if the value does not match the schema
 */
export async function fillAs<Value>(
  schema: z.ZodType<Value>,
  field: string,
  template: Json,
  states: Bindings,
): Promise<Value> {
  const parsed = schema.safeParse(await fill(template, states));
  if (!parsed.success) {
    throw new StatesError('States.QueryEvaluationError', `${field}: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
