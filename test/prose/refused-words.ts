/**
 * Words that hide the actor, or that have a plainer equivalent. Write instead, for instance, "the worker",
 * "no user", "again" or "permanently". CONTRIBUTING.md, "Words", has the reason.
 */
const REFUSED = /\b(whoever|whosoever|nobody|somebody|anew|astray|for good)\b/gi;
/** Matches code between backticks, in Markdown and in comments. */
const CODE_SPAN = /`[^`\n]*`/g;
const FENCED = /^```[\s\S]*?^```/gm;
const COMMENT_LINE = /^\s*(\/\/|\/\*|\*)/;

/** A refused word and its line, counted from 1. */
export interface RefusedWord {
  line: number;
  word: string;
}

/**
 * Finds refused words in comments, test titles, messages and Markdown: everywhere except in code spans.
 *
 * @param path path of the file; a file is Markdown if its name ends in `.md`
 */
export function refusedWords(path: string, text: string): RefusedWord[] {
  const isMarkdown = path.endsWith('.md');
  const prose = isMarkdown ? text.replace(FENCED, blank) : text;
  return prose.split('\n').flatMap((line, at) => {
    const read = isMarkdown || COMMENT_LINE.test(line) ? line.replace(CODE_SPAN, blank) : line;
    return [...read.matchAll(REFUSED)].map(([word]) => ({ line: at + 1, word }));
  });
}

/** Replaces code with spaces and keeps line breaks, so that line numbers stay correct. */
const blank = (code: string): string => code.replace(/[^\n]/g, ' ');
