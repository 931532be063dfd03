/** Syntax trees of DynamoDB's expression language, limited to what the store uses. */
export type Path = readonly string[];
export type Operand =
  | { kind: 'path'; path: Path }
  | { kind: 'value'; name: string }
  | { kind: 'if-not-exists'; path: Path; otherwise: Operand }
  | { kind: 'sum'; sign: 1 | -1; left: Operand; right: Operand };
export type Condition =
  | { kind: 'and' | 'or'; parts: readonly Condition[] }
  | { kind: 'not'; part: Condition }
  | { kind: 'compare'; operator: string; left: Operand; right: Operand }
  | { kind: 'between'; operand: Operand; low: Operand; high: Operand }
  | { kind: 'in'; operand: Operand; list: readonly Operand[] }
  | { kind: 'exists'; path: Path; wanted: boolean }
  | { kind: 'begins-with' | 'contains'; operand: Operand; part: Operand };
export interface Update {
  set: readonly { path: Path; value: Operand }[];
  add: readonly { path: Path; value: Operand }[];
  remove: readonly Path[];
}
/**
 * An expression and its placeholders. DynamoDB refuses a request that defines a placeholder and does not use
 * it.
 */
export interface Parsed<Tree> {
  tree: Tree;
  placeholders: ReadonlySet<string>;
}

/** Thrown for an expression that DynamoDB refuses. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const TOKEN = /\s*(<>|<=|>=|[=<>(),.+-]|[#:]?[A-Za-z_][A-Za-z0-9_]*)/y;

class Parser {
  readonly #tokens: string[] = [];
  readonly placeholders = new Set<string>();
  #at = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    const trimmed = text.trim();
    while (TOKEN.lastIndex < trimmed.length) {
      const token = TOKEN.exec(trimmed)?.[1];
      if (token === undefined) throw new ExpressionError(`not an expression: ${text}`);
      this.#tokens.push(token);
      if (/^[#:]/.test(token)) this.placeholders.add(token);
    }
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }

  word(): string | undefined {
    return this.#tokens[this.#at]?.toUpperCase();
  }

  take(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new ExpressionError('the expression ends too early');
    this.#at += 1;
    return token;
  }

  accept(word: string): boolean {
    if (this.word() !== word) return false;
    this.#at += 1;
    return true;
  }

  expect(word: string): void {
    if (!this.accept(word)) throw new ExpressionError(`${word} expected, not ${this.word()}`);
  }

  list<Part>(part: () => Part): Part[] {
    const parts = [part()];
    while (this.accept(',')) parts.push(part());
    return parts;
  }

  path(): Path {
    const parts = [this.take()];
    while (this.accept('.')) parts.push(this.take());
    const odd = parts.find((part) => !/^[#A-Za-z_]/.test(part));
    if (odd !== undefined) throw new ExpressionError(`not a path: ${odd}`);
    return parts;
  }

  operand(): Operand {
    let left = this.#single();
    for (;;) {
      if (this.accept('+')) left = { kind: 'sum', sign: 1, left, right: this.#single() };
      else if (this.accept('-')) left = { kind: 'sum', sign: -1, left, right: this.#single() };
      else return left;
    }
  }

  #single(): Operand {
    if (this.word()?.startsWith(':')) return { kind: 'value', name: this.take() };
    if (this.accept('IF_NOT_EXISTS')) {
      this.expect('(');
      const path = this.path();
      this.expect(',');
      const otherwise = this.operand();
      this.expect(')');
      return { kind: 'if-not-exists', path, otherwise };
    }
    return { kind: 'path', path: this.path() };
  }

  condition(): Condition {
    return this.#joined('or', 'OR', () => this.#joined('and', 'AND', () => this.#negated()));
  }

  #joined(kind: 'and' | 'or', word: string, part: () => Condition): Condition {
    const first = part();
    const parts = [first];
    while (this.accept(word)) parts.push(part());
    return parts.length === 1 ? first : { kind, parts };
  }

  #negated(): Condition {
    if (this.accept('NOT')) return { kind: 'not', part: this.#negated() };
    if (this.accept('(')) {
      const inner = this.condition();
      this.expect(')');
      return inner;
    }
    return this.#predicate();
  }

  #predicate(): Condition {
    for (const [word, wanted] of [
      ['ATTRIBUTE_EXISTS', true],
      ['ATTRIBUTE_NOT_EXISTS', false],
    ] as const) {
      if (!this.accept(word)) continue;
      this.expect('(');
      const path = this.path();
      this.expect(')');
      return { kind: 'exists', path, wanted };
    }
    for (const [word, kind] of [
      ['BEGINS_WITH', 'begins-with'],
      ['CONTAINS', 'contains'],
    ] as const) {
      if (!this.accept(word)) continue;
      this.expect('(');
      const operand = this.operand();
      this.expect(',');
      const part = this.operand();
      this.expect(')');
      return { kind, operand, part };
    }
    const operand = this.operand();
    if (this.accept('BETWEEN')) {
      const low = this.operand();
      this.expect('AND');
      return { kind: 'between', operand, low, high: this.operand() };
    }
    if (this.accept('IN')) {
      this.expect('(');
      const list = this.list(() => this.operand());
      this.expect(')');
      return { kind: 'in', operand, list };
    }
    const operator = this.take();
    if (!/^(=|<>|<|<=|>|>=)$/.test(operator)) throw new ExpressionError(`not a comparison: ${operator}`);
    return { kind: 'compare', operator, left: operand, right: this.operand() };
  }

  update(): Update {
    const set: { path: Path; value: Operand }[] = [];
    const add: { path: Path; value: Operand }[] = [];
    const remove: Path[] = [];
    while (!this.done) {
      if (this.accept('SET')) {
        set.push(
          ...this.list(() => {
            const path = this.path();
            this.expect('=');
            return { path, value: this.operand() };
          }),
        );
      } else if (this.accept('ADD')) {
        add.push(...this.list(() => ({ path: this.path(), value: this.operand() })));
      } else if (this.accept('REMOVE')) remove.push(...this.list(() => this.path()));
      else throw new ExpressionError(`not a clause of an update: ${this.word()}`);
    }
    return { set, add, remove };
  }
}

const conditions = new Map<string, Parsed<Condition>>();
const updates = new Map<string, Parsed<Update>>();

function parse<Tree>(known: Map<string, Parsed<Tree>>, text: string, read: (parser: Parser) => Tree) {
  const earlier = known.get(text);
  if (earlier) return earlier;
  const parser = new Parser(text);
  const tree = read(parser);
  if (!parser.done) throw new ExpressionError(`the text continues after the end of the expression: ${text}`);
  const parsed = { tree, placeholders: parser.placeholders };
  known.set(text, parsed);
  return parsed;
}

export function parseCondition(text: string): Parsed<Condition> {
  return parse(conditions, text, (parser) => parser.condition());
}

export function parseUpdate(text: string): Parsed<Update> {
  return parse(updates, text, (parser) => parser.update());
}
