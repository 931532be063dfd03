import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';

const ROOT = join(import.meta.dirname, '../../../..');
const RULE = 'functions/platform/runtime/aws-clients.grit';

const REFUSED = [
  "import { SQSClient } from '@aws-sdk/client-sqs';",
  "import { SQSClient as Queue } from '@aws-sdk/client-sqs';",
  "import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';",
  "import { DynamoDB } from '@aws-sdk/client-dynamodb';",
  "import * as sqs from '@aws-sdk/client-sqs';",
  "const { SFNClient } = await import('@aws-sdk/client-sfn');",
  "export { SSMClient } from '@aws-sdk/client-ssm';",
  "export * from '@aws-sdk/client-ssm';",
];
const ALLOWED = [
  "import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';",
  "import type { SSMClient } from '@aws-sdk/client-ssm';",
  "import { ParameterNotFound } from '@aws-sdk/client-ssm';",
  "import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';",
];

const reportSchema = z.object({
  diagnostics: z.array(z.object({ location: z.object({ path: z.string() }) })),
});

/** Runs the lint rule on sources. @returns the files that the rule reports */
function lint(sources: ReadonlyMap<string, string>): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fleetwright-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = { root: true, linter: { rules: { preset: 'none' } }, plugins: [join(ROOT, RULE)] };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
  for (const [name, source] of sources) writeFileSync(join(folder, name), `${source}\n`);
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
  const { stdout } = spawnSync(process.execPath, [biome, 'lint', '--reporter=json', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { diagnostics } = reportSchema.parse(JSON.parse(stdout));
  return new Set(diagnostics.map(({ location }) => location.path));
}

it('the lint rule for AWS clients reports each import that can construct a client, and no other import', () => {
  const named = (sources: readonly string[], kind: string) =>
    sources.map((source, at) => [`${kind}-${at}.ts`, source] as const);
  const refused = named(REFUSED, 'refused');
  const found = lint(new Map([...refused, ...named(ALLOWED, 'allowed')]));
  expect([...found].sort()).toEqual(refused.map(([name]) => name));
});

it('the lint rule for AWS clients applies to `functions` except drivers and the two files that may construct clients', () => {
  const configSchema = z.object({
    overrides: z.array(z.object({ includes: z.array(z.string()), plugins: z.array(z.string()) })),
  });
  const { overrides } = configSchema.parse(JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')));
  expect(overrides.find(({ plugins }) => plugins.includes(`./${RULE}`))?.includes).toEqual([
    'functions/**',
    '!functions/drivers/**',
    '!functions/platform/runtime/aws-clients.ts',
    '!functions/platform/store/store.ts',
  ]);
});
