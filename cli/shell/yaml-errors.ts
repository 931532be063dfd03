import {
  type Document,
  type ErrorCode,
  isCollection,
  isScalar,
  type Node,
  visit,
  type YAMLError,
} from 'yaml';

/** An error of a document in words. `offset` is its position in the text. */
export interface YamlFault {
  offset: number;
  message: string;
}

const WORDS: Partial<Record<ErrorCode, string>> = {
  MULTIPLE_DOCS: 'a second document begins here; a file has one document',
  DUPLICATE_KEY: 'the field is there twice',
  TAB_AS_INDENT: 'the line is indented with a tab; indent it with blanks',
  BLOCK_AS_IMPLICIT_KEY:
    'a field begins within the value of another field; check the indentation, or put a text that has `: ` in quotes',
  MULTILINE_IMPLICIT_KEY: 'the name of a field has no `:` on its line',
  BAD_DQ_ESCAPE: 'the text in double quotes has an unknown escape; write two backslashes for one',
};

/**
 * Returns the error of a YAML document that most likely is the cause of the others: a bracket or quote that is not
 * closed, or else the first error.
 */
export function firstFault(document: Document.Parsed): YamlFault | undefined {
  const errors = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  for (const error of errors) {
    const fault = unclosed(document, error);
    if (fault) return fault;
  }
  const [first] = errors;
  return first && { offset: first.pos[0], message: wordsOf(first) };
}

function wordsOf({ code, message }: YAMLError): string {
  const [first = ''] = message.split('\n');
  return WORDS[code] ?? `${first.charAt(0).toLowerCase()}${first.slice(1)}`;
}

/**
 * Returns the error for a list, map or text that is not closed, with the position at which it begins. The parser names
 * the position at which it gave up, which may be at the end of the file.
 */
function unclosed(document: Document.Parsed, { code, message, pos: [at] }: YAMLError): YamlFault | undefined {
  const end = /must .*end with a ([\]}])$/.exec(message)?.[1];
  const [open, isOpen]: [string, (node: Node) => boolean] =
    end === undefined
      ? ['the quote', (node) => isScalar(node) && node.type?.startsWith('QUOTE') === true]
      : [end === ']' ? '`[`' : '`{`', (node) => isCollection(node) && node.flow === true];
  if (end === undefined && !(code === 'MISSING_CHAR' && message.includes('quote'))) return undefined;
  const offset = lastBefore(document, at, isOpen);
  if (offset === undefined) return undefined;
  const closing = end === undefined ? 'a closing quote' : `\`${end}\``;
  return { offset, message: `${open} is not closed; add ${closing}` };
}

/** Returns the offset of the last node of a kind that begins before a position and reaches to it. */
function lastBefore(
  document: Document.Parsed,
  at: number,
  isOpen: (node: Node) => boolean,
): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Node(_, node) {
      const [start = at, end = 0] = node.range ?? [];
      if (isOpen(node) && start < at && end >= at) offset = start;
    },
  });
  return offset;
}
