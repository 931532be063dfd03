import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type ParsedNode,
  parseDocument,
} from 'yaml';
import type * as z from 'zod';
import { issueErrors } from '../../functions/model/issue-text.ts';
import { fileError, usageError } from './exit.ts';
import { type FileError, positionOf } from './file-error.ts';
import { firstFault, type YamlFault } from './yaml-errors.ts';

/** A value that was read from a file. `locate` finds the parts of the value in the file. */
export interface Located<T> {
  value: T;
  /**
   * Returns the position `file:line:column` of the part at a path. If the file does not have the part,
   * returns the position of the nearest enclosing part.
   */
  locate(path: readonly PropertyKey[]): string;
  /** Returns the text of a line. Lines count from 1. Undefined: there is no such line. */
  lineAt(line: number): string | undefined;
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
  const texts = text.split(/\r?\n/);
  const lineAt = (line: number): string | undefined => texts[line - 1];
  const fault = firstFault(document) ?? emptyFault(document);
  if (fault) {
    const found = errorAt({ lineAt, locate: () => at(fault.offset) }, [], 'invalid-yaml', fault.message);
    throw fileError(`${file} is not valid YAML`, 'Correct the line named above.', [found]);
  }
  const locate = (path: readonly PropertyKey[]): string => at(offsetOf(document.contents, path));
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { value, locate, lineAt };
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
  read: Located<unknown>,
  schema: S,
): Located<z.infer<S>> {
  const parsed = schema.safeParse(read.value);
  if (parsed.success) return { ...read, value: parsed.data };
  throw fileError(
    `${file} has wrong or missing fields`,
    'Correct the lines named above.',
    issueErrors(parsed.error, schema, read.value).map(({ path, code, message }) =>
      errorAt(read, path, code, message),
    ),
  );
}

/** Returns an error about a part of a file, with its position and the text of its line. */
export function errorAt(
  { locate, lineAt }: Pick<Located<unknown>, 'locate' | 'lineAt'>,
  path: readonly PropertyKey[],
  code: string,
  message: string,
): FileError {
  const position = positionOf(locate(path));
  const source = lineAt(position.line);
  return {
    ...position,
    pointer: pointerOf(path),
    code,
    message,
    ...(source === undefined ? {} : { source }),
  };
}

/** Returns the error for a file that is empty, or that only has comments. */
function emptyFault(document: Document.Parsed): YamlFault | undefined {
  const { contents } = document;
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  return isEmpty ? { offset: 0, message: 'the file is empty' } : undefined;
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
