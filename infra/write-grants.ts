import { mkdirSync, writeFileSync } from 'node:fs';
import { grantsPageOfStages } from './grants/grants-page.ts';
import { bundleFunctions } from './settings/bundles.ts';
import { synthesize } from './synthesize.ts';

const bundles = bundleFunctions();
const target = new URL('../docs/operations/grants.md', import.meta.url);
mkdirSync(new URL('.', target), { recursive: true });
writeFileSync(
  target,
  grantsPageOfStages((stage, context) => synthesize(stage, bundles, context)),
);
