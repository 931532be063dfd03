import { posix } from 'node:path';
import { anchorsOf, codeSpansOf, type Found, linksOf } from './read-markdown.ts';

/** The files that links can point to. Paths are relative to the root and have forward slashes. */
export interface Repository {
  /** Folders at the root: a code span that begins with one of them is a path. */
  folders: ReadonlySet<string>;
  exists(path: string): boolean;
  read(path: string): string;
}

/** A link or path that points to nothing. */
export interface BrokenLink {
  line: number;
  why: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/** A pattern, a placeholder or a command with arguments. `nimbus` is the driver that the guide writes as an example. */
const NOT_A_PATH = /[\s*<>{}()$…]|NNNN|nimbus/;
/** A page that code names, in a comment or a message. */
const PAGE_IN_CODE = /(?<![\w./-])(?:docs\/[\w./-]+|[A-Z]{4,})\.md(?:#[\w-]+)?/g;

/**
 * Finds links of a Markdown page whose file or heading does not exist, and paths in code spans that do not exist. Of
 * other files, it checks the pages that they name, `docs/cli.md` for instance.
 *
 * @param path tells Markdown from code by its ending
 */
export function brokenLinks(path: string, text: string, repository: Repository): BrokenLink[] {
  if (!path.endsWith('.md')) return pagesInCode(text).flatMap((found) => broken(found, '', repository));
  return [
    ...linksOf(text)
      .filter(({ text: target }) => !SCHEME.test(target) && !target.startsWith('//'))
      .flatMap((found) => broken(found, path, repository)),
    ...codeSpansOf(text)
      .filter(({ text: span }) => isPath(span, repository))
      .map(({ line, text: span }) => ({ line, text: span.replace(/:\d+(-\d+)?$/, '') }))
      .flatMap((found) => broken(found, '', repository)),
  ].sort((a, b) => a.line - b.line);
}

/** @param from the page that has the link; empty: the target is relative to the root */
function broken({ line, text: target }: Found, from: string, repository: Repository): BrokenLink[] {
  const [file = '', anchor] = decodeURI(target).split('#');
  const to = file === '' ? from : posix.normalize(posix.join(posix.dirname(from), file));
  if (!repository.exists(to)) return [{ line, why: `${target}: there is no ${to}` }];
  if (anchor === undefined || anchor === '' || !to.endsWith('.md')) return [];
  const isThere = anchorsOf(repository.read(to)).has(anchor);
  return isThere ? [] : [{ line, why: `${target}: ${to} has no heading #${anchor}` }];
}

function isPath(span: string, { folders }: Repository): boolean {
  const [folder = '', ...rest] = span.split('/');
  return rest.length > 0 && folders.has(folder) && !NOT_A_PATH.test(span);
}

function pagesInCode(text: string): Found[] {
  return text
    .split('\n')
    .flatMap((content, at) =>
      [...content.matchAll(PAGE_IN_CODE)].map(([page]) => ({ line: at + 1, text: page })),
    );
}
