import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const ROOT = join(import.meta.dirname, '../../..');
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const labelled = z.looseObject({ label: z.string().min(1), description: z.string().optional() });
const id = z.string().regex(/^[a-z][a-z-]*$/);
const validations = z.strictObject({ required: z.boolean() }).optional();
/** Keys that GitHub accepts in an issue form. GitHub refuses a form with any other key. */
const formSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  labels: z.array(z.string()),
  body: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({
          type: z.literal('markdown'),
          attributes: z.strictObject({ value: z.string().min(1) }),
        }),
        z.strictObject({ type: z.enum(['input', 'textarea']), id, attributes: labelled, validations }),
        z.strictObject({
          type: z.literal('dropdown'),
          id,
          attributes: labelled.extend({ options: z.array(z.string()).min(1) }),
          validations,
        }),
        z.strictObject({
          type: z.literal('checkboxes'),
          id,
          attributes: labelled.extend({ options: z.array(labelled).min(1) }),
        }),
      ]),
    )
    .min(1),
});

describe('issue forms', () => {
  const forms = globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: ROOT }).filter(
    (path) => !path.endsWith('config.yml'),
  );

  it.each(forms)('%s has only fields that GitHub accepts, each with a unique id and label', (path) => {
    const { body } = formSchema.parse(parse(textOf(path)));
    const fields = body.filter((field) => field.type !== 'markdown');
    expect(new Set(fields.map((field) => field.id)).size).toBe(fields.length);
    expect(new Set(fields.map(({ attributes }) => attributes.label)).size).toBe(fields.length);
  });

  it('there are three issue forms, and their configuration refers to SECURITY.md', () => {
    expect(forms).toHaveLength(3);
    expect(textOf('.github/ISSUE_TEMPLATE/config.yml')).toContain('/SECURITY.md');
  });
});

it('each link from .github to a file of this repository leads to an existing file', () => {
  const pages = ['CODE_OF_CONDUCT.md', ...globSync('.github/**/*.{yml,md}', { cwd: ROOT })];
  const targets = pages.flatMap((page) =>
    [...textOf(page).matchAll(/fleetwright\/blob\/main\/([\w./-]+)/g)].map(([, target = '']) => target),
  );
  expect(targets).toContain('SECURITY.md');
  expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
});

const manifest = z
  .object({
    engines: z.object({ node: z.string() }),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(textOf('package.json')));

it('each pattern of an npm group in dependabot.yml matches a dependency', () => {
  const groupSchema = z.object({ patterns: z.array(z.string()).default([]) });
  const { updates } = z
    .object({
      updates: z.array(
        z.object({ 'package-ecosystem': z.string(), groups: z.record(z.string(), groupSchema) }),
      ),
    })
    .parse(parse(textOf('.github/dependabot.yml')));
  const npm = updates.find((one) => one['package-ecosystem'] === 'npm');
  const patterns = Object.values(npm?.groups ?? {}).flatMap((group) => group.patterns);
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(patterns.length).toBeGreaterThan(0);
  for (const pattern of patterns) {
    const matches = (name: string) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    expect(names.some(matches), pattern).toBe(true);
  }
});

it('the indent and line width of .editorconfig equal those of biome.json', () => {
  const { formatter } = z
    .object({ formatter: z.object({ indentWidth: z.number(), lineWidth: z.number() }) })
    .parse(JSON.parse(textOf('biome.json')));
  const [common = ''] = textOf('.editorconfig').split('[*.md]');
  expect(common).toContain(`indent_size = ${formatter.indentWidth}\n`);
  expect(common).toContain(`max_line_length = ${formatter.lineWidth}\n`);
});

it('.nvmrc names the Node.js version of the dependency `node`', () => {
  expect(manifest.devDependencies['node']).toMatch(new RegExp(`^${textOf('.nvmrc').trim()}\\.`));
});
