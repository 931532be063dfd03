import {
  type Condition,
  ExpressionError,
  type Operand,
  type Parsed,
  type Path,
  parseCondition,
  parseUpdate,
  type Update,
} from './expressions.ts';

export type Item = Record<string, unknown>;

/** The values of the placeholders in a request's expressions. */
export interface Placeholders {
  ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  ExpressionAttributeValues?: Readonly<Record<string, unknown>> | undefined;
}

export function isMap(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a deep copy without undefined values. The document client is configured to remove them, too. */
export function copy<Value>(value: Value): Value;
export function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((part) => copy(part));
  if (!isMap(value)) return value;
  const copied: Item = {};
  for (const [name, part] of Object.entries(value)) if (part !== undefined) copied[name] = copy(part);
  return copied;
}

/** @throws ExpressionError if a placeholder is used and not defined, or defined and not used */
export function checkPlaceholders(
  { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: Placeholders,
  expressions: readonly Parsed<unknown>[],
): void {
  const used = new Set(expressions.flatMap(({ placeholders }) => [...placeholders]));
  for (const name of [...Object.keys(names), ...Object.keys(values)]) {
    if (!used.has(name))
      throw new ExpressionError(`the placeholder ${name} is defined, but no expression uses it`);
  }
  for (const name of used) {
    const given = name.startsWith('#') ? names[name] : values[name];
    if (given === undefined)
      throw new ExpressionError(`an expression uses the placeholder ${name}, which is not defined`);
  }
}

function resolve(path: Path, { ExpressionAttributeNames: names = {} }: Placeholders): string[] {
  return path.map((part) => (part.startsWith('#') ? (names[part] ?? part) : part));
}

function read(item: Item | undefined, path: readonly string[]): unknown {
  let at: unknown = item;
  for (const part of path) {
    if (!isMap(at) || !Object.hasOwn(at, part)) return undefined;
    at = at[part];
  }
  return at;
}

function operandValue(operand: Operand, item: Item | undefined, env: Placeholders): unknown {
  switch (operand.kind) {
    case 'value':
      return env.ExpressionAttributeValues?.[operand.name];
    case 'path':
      return read(item, resolve(operand.path, env));
    case 'if-not-exists':
      return read(item, resolve(operand.path, env)) ?? operandValue(operand.otherwise, item, env);
    case 'sum': {
      const [left, right] = [operandValue(operand.left, item, env), operandValue(operand.right, item, env)];
      if (typeof left !== 'number' || typeof right !== 'number') {
        throw new ExpressionError('an operand of + or - is missing or not a number');
      }
      return left + operand.sign * right;
    }
  }
}

/**
 * Compares two values. Returns undefined if DynamoDB cannot compare them: their types differ, or a value is
 * missing.
 */
function order(left: unknown, right: unknown): number | undefined {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  return undefined;
}

function same(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return false;
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  return JSON.stringify(left) === JSON.stringify(right);
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === '=') return same(left, right);
  if (operator === '<>') return !same(left, right);
  const by = order(left, right);
  if (by === undefined) return false;
  if (operator === '<') return by < 0;
  if (operator === '<=') return by <= 0;
  return operator === '>' ? by > 0 : by >= 0;
}

function holds(condition: Condition, item: Item | undefined, env: Placeholders): boolean {
  const value = (operand: Operand) => operandValue(operand, item, env);
  switch (condition.kind) {
    case 'and':
      return condition.parts.every((part) => holds(part, item, env));
    case 'or':
      return condition.parts.some((part) => holds(part, item, env));
    case 'not':
      return !holds(condition.part, item, env);
    case 'exists':
      return (read(item, resolve(condition.path, env)) !== undefined) === condition.wanted;
    case 'compare':
      return compare(condition.operator, value(condition.left), value(condition.right));
    case 'between': {
      const at = value(condition.operand);
      return compare('>=', at, value(condition.low)) && compare('<=', at, value(condition.high));
    }
    case 'in': {
      const wanted = value(condition.operand);
      return condition.list.some((one) => same(wanted, value(one)));
    }
    case 'begins-with': {
      const [text, prefix] = [value(condition.operand), value(condition.part)];
      return typeof text === 'string' && typeof prefix === 'string' && text.startsWith(prefix);
    }
    case 'contains': {
      const [whole, part] = [value(condition.operand), value(condition.part)];
      if (Array.isArray(whole)) return whole.some((one) => same(one, part));
      return typeof whole === 'string' && typeof part === 'string' && whole.includes(part);
    }
  }
}

export function meets(expression: string | undefined, item: Item | undefined, env: Placeholders): boolean {
  return expression === undefined || holds(parseCondition(expression).tree, item, env);
}

/**
 * Sets the value at a path. If `value` is undefined, deletes the attribute at the path.
 *
 * @throws ExpressionError with DynamoDB's message if the parent of the path is missing
 */
function write(item: Item, path: readonly string[], value: unknown): void {
  const parent = read(item, path.slice(0, -1));
  const last = path.at(-1);
  if (!isMap(parent) || last === undefined) {
    throw new ExpressionError('The document path provided in the update expression is invalid for update');
  }
  if (value === undefined) delete parent[last];
  else parent[last] = copy(value);
}

/** Returns the item after an update. All values are read from the item as it was before. */
export function updated(expression: string, before: Item, env: Placeholders): Item {
  const { set, add, remove }: Update = parseUpdate(expression).tree;
  const after = copy(before);
  const writes = [
    ...set.map(({ path, value }) => {
      const wanted = operandValue(value, before, env);
      if (wanted === undefined) {
        throw new ExpressionError(
          'The provided expression refers to an attribute that does not exist in the item',
        );
      }
      return { path: resolve(path, env), value: wanted };
    }),
    ...add.map(({ path, value }) => {
      const resolved = resolve(path, env);
      const [now = 0, by] = [read(before, resolved), operandValue(value, before, env)];
      if (typeof now !== 'number' || typeof by !== 'number')
        throw new ExpressionError('an operand of ADD is not a number');
      return { path: resolved, value: now + by };
    }),
    ...remove.map((path) => ({ path: resolve(path, env), value: undefined })),
  ];
  const paths = new Set<string>();
  for (const { path } of writes) {
    const name = path.join('.');
    if (paths.has(name)) throw new ExpressionError(`Two document paths overlap: ${name}`);
    paths.add(name);
  }
  for (const { path, value } of writes) write(after, path, value);
  return after;
}
