import { posix } from 'node:path';
import { anchorsOf, codeSpansOf, type Found, linksOf } from './read-markdown.ts';

/** The files that links can point to. Paths are relative to the root and have forward slashes. */
export interface Repository {
  /** Folders at the root. A code span that begins with one of these folders is a path. */
  folders: ReadonlySet<string>;
  exists(path: string): boolean;
  read(path: string): string;
}

/** A link or path whose target does not exist. */
export interface BrokenLink {
  line: number;
  why: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/**
 * Matches a code span that is not a path: a pattern, a placeholder or a command with arguments. `nimbus` is
 * the example driver of docs/writing-a-driver.md.
 */
const NOT_A_PATH = /[\s*<>{}()$…]|NNNN|nimbus/;
/** Matches the name of a Markdown page in a file of code. */
const PAGE_IN_CODE = /(?<![\w./-])(?:docs\/[\w./-]+|[A-Z]{4,})\.md(?:#[\w-]+)?/g;

/**
 * In a Markdown page, finds links whose file or heading does not exist, and code spans with a path that does
 * not exist. In any other file, finds names of Markdown pages that do not exist, for example `docs/cli.md`.
 *
 * @param path path of the file; a file is Markdown if its name ends in `.md`
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

/** @param from path of the page with the link; if empty, the target is relative to the root */
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
