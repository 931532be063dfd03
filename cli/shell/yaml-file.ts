import { isMap, isNode, isPair, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type * as z from 'zod';
import { CliError, EXIT, fileError, usageError } from './exit.ts';
import { type FileError, positionOf } from './file-error.ts';
import { issueCode, issueText } from './issue-text.ts';

/** A value that was read from a file. `locate` finds the parts of the value in the file. */
export interface Located<T> {
  value: T;
  /**
   * Returns the position `file:line:column` of the part at a path. If the file does not have the part,
   * returns the position of the nearest enclosing part.
   */
  locate(path: readonly PropertyKey[]): string;
}

export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

/**
 * Reads YAML (which includes JSON) and checks it with a schema.
 *
 * @throws CliError (wrong use) that names line and column of every error
 */
export function readYaml<S extends z.ZodType>(file: string, text: string, schema: S): Located<z.infer<S>> {
  return checkContent(file, parseYaml(file, text), schema);
}

/** Reads YAML (which includes JSON). @throws CliError (wrong use) that names line and column of every error */
export function parseYaml(file: string, text: string): Located<unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const details = document.errors.map((error) => `${at(error.pos[0])}  ${error.message}`);
    const fileErrors = document.errors.map(({ pos: [offset], message }) => ({
      ...positionOf(at(offset)),
      pointer: '',
      code: 'invalid-yaml',
      message,
    }));
    const next = 'Correct the lines named above.';
    throw new CliError(EXIT.usage, 'wrong-use', `${file} is not valid YAML`, next, { details, fileErrors });
  }
  const locate = (path: readonly PropertyKey[]): string => at(offsetOf(document.contents, path));
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { value, locate };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(
      `${file} cannot be read: ${message}`,
      'Use fewer YAML aliases, and only aliases of anchors that exist.',
    );
  }
}

/** Checks what was read from a file. @throws CliError (wrong use) that names line and column of every error */
export function checkContent<S extends z.ZodType>(
  file: string,
  { value, locate }: Located<unknown>,
  schema: S,
): Located<z.infer<S>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, locate };
  const wrong = (path: readonly PropertyKey[], code: string, message: string): FileError => ({
    ...positionOf(locate(path)),
    pointer: pointerOf(path),
    code,
    message,
  });
  throw fileError(
    `${file} has wrong or missing fields`,
    'Correct the lines named above.',
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => wrong([...issue.path, key], 'unrecognized-key', 'is not a known field'))
        : [wrong(issue.path, issueCode(issue), issueText(issue))],
    ),
  );
}

/**
 * Returns the offset in the text at which the value at a path starts. For a field of a map, returns the
 * offset of the field's key.
 */
function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const part of path) {
    const next = childOf(node, part);
    if (!next) break;
    node = next.node;
    offset = next.offset ?? offset;
  }
  return offset;
}

function childOf(
  node: unknown,
  part: PropertyKey,
): { node: unknown; offset: number | undefined } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
    );
    return pair && { node: pair.value, offset: isNode(pair.key) ? pair.key.range?.[0] : undefined };
  }
  if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
    const item: unknown = node.items[Number(part)];
    return isNode(item) ? { node: item, offset: item.range?.[0] } : undefined;
  }
  return undefined;
}
