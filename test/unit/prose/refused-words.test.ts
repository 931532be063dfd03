import { describe, expect, it } from 'vitest';
import { refusedWords } from '../../prose/refused-words.ts';

describe('refusedWords', () => {
  it('refused words are found in comments, titles and messages, with their lines', () => {
    const code =
      "// The worker waits.\n/** Whoever waits. */\nit('starts anew', () => {});\nthrow new Error('nobody');\n";
    expect(refusedWords('a.ts', code)).toEqual([
      { line: 2, word: 'Whoever' },
      { line: 3, word: 'anew' },
      { line: 4, word: 'nobody' },
    ]);
  });

  it('refused words are allowed in code spans of Markdown and comments, and in fenced code', () => {
    const page = 'The word `whoever` is refused.\n\n```sh\necho nobody\n```\n\nA failure for good.\n';
    expect(refusedWords('a.md', page)).toEqual([{ line: 7, word: 'for good' }]);
    expect(refusedWords('a.ts', '// The user `nobody` of Debian.\n')).toEqual([]);
  });

  it('a refused word is not found within another word', () => {
    expect(refusedWords('a.ts', 'const portOfNobodyElse = 1; // renewed, for goods\n')).toEqual([]);
  });
});
