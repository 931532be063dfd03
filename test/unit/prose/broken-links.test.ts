import { expect, it } from 'vitest';
import { type BrokenLink, brokenLinks } from '../../prose/broken-links.ts';

const PAGES: Record<string, string> = {
  'README.md': '# Fleetwright\n\n## What it does, and how\n\n## Again\n\n## Again\n',
  'docs/cli.md': '# The `fleet` commands\n\n```sh\n# not a heading\n```\n\n<a id="old-name"></a>\n',
  'functions/model/fleet.ts': '',
};

/** Checks one page of a repository that contains this page and {@link PAGES}. */
function check(path: string, text: string): BrokenLink[] {
  const pages: Record<string, string> = { ...PAGES, [path]: text };
  return brokenLinks(path, text, {
    folders: new Set(['docs', 'functions']),
    exists: (at) => Object.keys(pages).some((page) => `${page}/`.startsWith(`${at.replace(/\/$/, '')}/`)),
    read: (at) => pages[at] ?? '',
  });
}

const whyBroken = (path: string, text: string): string[] => check(path, text).map(({ why }) => why);

it('a link may point to a file, a folder or a heading that exists, relative to its page', () => {
  const page =
    '[a](../README.md#what-it-does-and-how) [b](../README.md#again-1) [c](#here) ![d](../functions/model)\n' +
    '[e](cli.md#the-fleet-commands "title") [f](cli.md#old-name) [g](https://example.org/x#y)\n\n## Here\n';
  expect(whyBroken('docs/limits.md', page)).toEqual([]);
});

it('a link, link definition or image is broken if its file does not exist', () => {
  expect(whyBroken('docs/limits.md', '[a](README.md)\n\n[b]: ../lost.md\n\n<img src="lost.svg">\n')).toEqual([
    'README.md: there is no docs/README.md',
    '../lost.md: there is no lost.md',
    'lost.svg: there is no docs/lost.svg',
  ]);
});

it('a link is broken if the target page has no such heading; a line of fenced code is not a heading', () => {
  expect(whyBroken('docs/limits.md', '[a](cli.md#not-a-heading) [b](#there)')).toEqual([
    'cli.md#not-a-heading: docs/cli.md has no heading #not-a-heading',
    '#there: docs/limits.md has no heading #there',
  ]);
});

it('a broken link is reported with its line, and links in code are not checked', () => {
  const page = '`[a](lost.md)`\n\n```md\n[b](lost.md)\n```\n\n[c](lost.md)\n';
  expect(check('README.md', page)).toEqual([{ line: 7, why: 'lost.md: there is no lost.md' }]);
});

it('a path in a code span is relative to the root of the repository, and not to the folder of the page', () => {
  const page = 'See `functions/model/fleet.ts`, `functions/model/fleet.ts:12` and `docs/`.\n';
  expect(whyBroken('docs/limits.md', page)).toEqual([]);
  expect(whyBroken('docs/limits.md', 'See `functions/model/lost.ts`.')).toEqual([
    'functions/model/lost.ts: there is no functions/model/lost.ts',
  ]);
});

it('a code span is not a path if it has a pattern or placeholder, or does not begin with a folder of the root', () => {
  const page =
    '`functions/*.ts` `docs/drivers/<driver>.md` `docs/adr/NNNN-title.md` `ec2/lost.ts` `functions`\n';
  expect(whyBroken('README.md', page)).toEqual([]);
});

it('a page name in code is broken if the page or its heading does not exist', () => {
  const code = '// See docs/cli.md#old-name and README.md.\n// See docs/lost.md.\n// See README.md#lost.\n';
  expect(check('functions/a.ts', code)).toEqual([
    { line: 2, why: 'docs/lost.md: there is no docs/lost.md' },
    { line: 3, why: 'README.md#lost: README.md has no heading #lost' },
  ]);
});
