/**
 * Words that hide who acts, or that have a plainer one: the worker, another worker, no user, again, permanently. The
 * reason is in CONTRIBUTING.md, "Words".
 */
const REFUSED = /\b(whoever|whosoever|nobody|somebody|anew|astray|for good)\b/gi;
/** In Markdown and in comments, what stands between backticks is code. */
const CODE_SPAN = /`[^`\n]*`/g;
const FENCED = /^```[\s\S]*?^```/gm;
const COMMENT_LINE = /^\s*(\/\/|\/\*|\*)/;

/** A refused word and where it stands. */
export interface RefusedWord {
  line: number;
  word: string;
}

/**
 * Finds refused words in comments, test titles, messages and Markdown: everywhere but in code spans.
 *
 * @param path tells Markdown from code by its ending
 */
export function refusedWords(path: string, text: string): RefusedWord[] {
  const isMarkdown = path.endsWith('.md');
  const prose = isMarkdown ? text.replace(FENCED, blank) : text;
  return prose.split('\n').flatMap((line, at) => {
    const read = isMarkdown || COMMENT_LINE.test(line) ? line.replace(CODE_SPAN, blank) : line;
    return [...read.matchAll(REFUSED)].map(([word]) => ({ line: at + 1, word }));
  });
}

/** Keeps the lines as they are counted. */
const blank = (code: string): string => code.replace(/[^\n]/g, ' ');
