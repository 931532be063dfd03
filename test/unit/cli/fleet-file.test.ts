import { describe, expect, it } from 'vitest';
import { cli, FLEET_YAML } from './world.ts';

const VALIDATE = ['fleet', 'validate', '-f', 'fleet.yaml'];
const errorsOf = (stdout: string): unknown => JSON.parse(stdout).errors;

/** Validates a fleet.yaml with a content that is no fleet. Returns the errors and the text for people. */
async function validate(content: string | Uint8Array) {
  const setting =
    typeof content === 'string' ? { files: { 'fleet.yaml': content } } : { bytes: { 'fleet.yaml': content } };
  const { exitCode, stdout } = await cli([...VALIDATE, '--json'], setting);
  expect(exitCode).toBe(2);
  return { errors: errorsOf(stdout), text: (await cli(VALIDATE, setting)).stdout };
}

const group = (fields: string) => FLEET_YAML.replace('    size: 3\n', fields);

describe('a fleet.yaml that is no YAML', () => {
  it.each([
    ['an empty file', '', [1, 1], 'the file is empty'],
    ['a file with comments only', '# nothing\n\n', [1, 1], 'the file is empty'],
    ['a file with the word null', 'null\n', [1, 1], 'the file is empty'],
    ['two documents', 'name: a\n---\nname: b\n', [2, 1], 'a second document begins here'],
    ['an open list', 'name: web\nnodeGroups: [\n  - a\nb: 1\n', [2, 13], '`[` is not closed; add `]`'],
    ['an open map', 'name: web\nlabels: {a: b\nsize: 1\n', [2, 9], '`{` is not closed; add `}`'],
    ['a list within a map that is not closed', 'a: {x: [1, 2}\n', [1, 8], '`[` is not closed; add `]`'],
    ['an open quote', 'name: "web\nsize: 1\n', [1, 7], 'the quote is not closed'],
    ['a tab', 'name: web\nlabels:\n\ta: b\n', [3, 1], 'indented with a tab'],
    ['a field that is there twice', 'name: a\nname: b\n', [2, 1], 'the field is there twice'],
  ])('%s has one error, with its position', async (_what, content, [line, column], message) => {
    const { errors } = await validate(content);
    expect(errors).toEqual([
      expect.objectContaining({
        line,
        column,
        code: 'invalid-yaml',
        message: expect.stringContaining(message),
      }),
    ]);
  });

  it('the text shows the line with a caret below the column', async () => {
    const { text } = await validate('name: web\nnodeGroups: [\n  - a\nb: 1\n');
    expect(text).toBe(
      [
        'fleet.yaml has 1 error.',
        'Error: fleet.yaml:2:13  /: `[` is not closed; add `]`',
        '  2 | nodeGroups: [',
        '    |             ^',
        '',
      ].join('\n'),
    );
  });

  it('a long line is cut around the column', async () => {
    const { text } = await validate(`name: ${'a'.repeat(300)}: b\n`);
    const [, , source = '', caret = ''] = text.split('\n');
    expect(source.length).toBeLessThan(120);
    expect(source[caret.indexOf('^')]).toBe('a');
  });
});

describe('a fleet.yaml that is no text', () => {
  it('a binary file is refused at its first NUL byte', async () => {
    const { errors } = await validate(Buffer.from('name: a\nsize:\0\0'));
    expect(errors).toEqual([expect.objectContaining({ line: 2, column: 6, code: 'not-text' })]);
  });

  it('a file in another encoding is refused at the first byte that is not UTF-8', async () => {
    const { errors } = await validate(Buffer.from('name: é\n# caf\xe9 au lait\n', 'latin1'));
    expect(errors).toEqual([expect.objectContaining({ line: 1, column: 7, code: 'not-utf-8' })]);
    const late = Buffer.concat([Buffer.from('name: é\n# grün '), Buffer.from([0xff, 0x20])]);
    expect((await validate(late)).errors).toEqual([expect.objectContaining({ line: 2, column: 8 })]);
  });

  it('a file of more than 1 MiB is refused before it is parsed', async () => {
    const { errors } = await validate(Buffer.from(`name: ${'a'.repeat(1024 * 1024)}`));
    expect(errors).toEqual([expect.objectContaining({ code: 'too-big' })]);
  });

  it('a byte order mark at the start is no part of the text', async () => {
    const { exitCode } = await cli(VALIDATE, { files: { 'fleet.yaml': `\ufeff${FLEET_YAML}` } });
    expect(exitCode).toBe(0);
  });

  it('a folder is refused with its name', async () => {
    const error = Object.assign(new Error('folder'), { code: 'EISDIR' });
    const { exitCode, stderr } = await cli(VALIDATE, { bytes: { 'fleet.yaml': error } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('cannot read fleet.yaml: it is a folder, not a file');
  });
});

describe('a fleet.yaml with wrong fields', () => {
  it.each([
    ['a mistyped field', '    siez: 3\n', 'is not a known field; did you mean size?'],
    ['a field without a similar one', '    qqqqqq: 3\n    size: 3\n', 'is not a known field'],
    ['text for a number', '    size: three\n', 'must be a number, and is text'],
    ['a part of a machine', '    size: 1.5\n', 'must be a whole number'],
    ['no machine', '    size: 0\n', 'must be at least 1'],
    ['a list for a text', '    size: 3\n    zone: [a]\n', 'must be text, and is a list'],
  ])('%s is named in words', async (_what, fields, message) => {
    const { errors, text } = await validate(group(fields));
    expect(errors).toContainEqual(expect.objectContaining({ message }));
    expect(text).toContain(message);
  });

  it('a mistyped choice is answered with all choices and the one that was meant', async () => {
    const { errors } = await validate(`failurePolicy: rolback\n${FLEET_YAML}`);
    expect(errors).toEqual([
      expect.objectContaining({
        pointer: '/failurePolicy',
        message: expect.stringMatching(/^must be one of .*rollback.*; did you mean rollback\?$/),
      }),
    ]);
  });
});
