/** A text found in a page, and its line, counted from 1. */
export interface Found {
  line: number;
  text: string;
}

const FENCED = /^([ \t]*)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^[ \t]*\2[ \t]*$/gm;
const HTML_COMMENT = /<!--[\s\S]*?-->/g;
const CODE_SPAN = /(`+)(?!`)(.+?)(?<!`)\1(?!`)/g;
const HEADING = /^#{1,6}[ \t]+(.+?)[ \t]*#*$/gm;
const NAMED_ANCHOR = /<a[^>]*\s(?:id|name)="([^"]+)"/gi;
/**
 * Matches the part of `[text](target "title")` that begins with `](`, for links and images. A target contains
 * spaces only if it is in angle brackets.
 */
const INLINE_LINK =
  /\]\(\s*(?:<([^>\n]+)>|([^()\s]*(?:\([^()\s]*\)[^()\s]*)*))(?:\s+["'][^"'\n]*["'])?\s*\)/g;
const LINK_DEFINITION = /^[ \t]{0,3}\[[^\]\n]+\]:[ \t]*<?([^\s>]+)>?/gm;
const HTML_LINK = /<(?:a|img|source)[^>]*\s(?:href|src|srcset)="([^"]+)"/gi;

/**
 * Returns the targets of all links and images of a Markdown page, ordered by kind: inline links, link
 * definitions, HTML.
 */
export function linksOf(page: string): Found[] {
  const text = blank(withoutFences(page), CODE_SPAN);
  return [INLINE_LINK, LINK_DEFINITION, HTML_LINK].flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const target = match[1] ?? match[2];
      return target === undefined || target === '' ? [] : [{ line: lineAt(text, match.index), text: target }];
    }),
  );
}

/** Returns the content of all code spans of a Markdown page, without fenced code. */
export function codeSpansOf(page: string): Found[] {
  const text = withoutFences(page);
  return [...text.matchAll(CODE_SPAN)].map((match) => ({
    line: lineAt(text, match.index),
    text: (match[2] ?? '').trim(),
  }));
}

/** Returns the anchors that GitHub makes for a Markdown page: those of headings and those of `<a id="…">`. */
export function anchorsOf(page: string): Set<string> {
  const text = withoutFences(page);
  const anchors = new Set([...text.matchAll(NAMED_ANCHOR)].flatMap(([, name]) => name ?? []));
  for (const [, heading] of text.matchAll(HEADING)) {
    const slug = slugOf(heading ?? '');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/**
 * Returns a heading's anchor: lower case, no punctuation except hyphens and underscores, a hyphen for each
 * space.
 */
function slugOf(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>]+>/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Mark}\p{Number}\p{Connector_Punctuation} -]/gu, '')
    .replaceAll(' ', '-');
}

const withoutFences = (page: string): string => blank(blank(page, FENCED), HTML_COMMENT);

/** Replaces each match with spaces of the same length, so that lines and columns stay the same. */
function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (match) => match.replace(/[^\n]/g, ' '));
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;
