import { type IdleCost, idleCost } from './idle-cost.ts';
import { optionCosts } from './idle-options.ts';
import { bundleFunctions } from './settings/bundles.ts';
import type { StageName } from './settings/config.ts';
import { synthesize } from './synthesize.ts';
import type { Template } from './template.ts';

const bundles = bundleFunctions();
const made = new Map<string, Template>();
const templateOf = (stage: StageName, context: Readonly<Record<string, string>>): Template => {
  const key = JSON.stringify([stage, context]);
  const template = made.get(key) ?? synthesize(stage, bundles, context);
  made.set(key, template);
  return template;
};
const amount = (usd: number): string => `$ ${usd.toFixed(3).padStart(7)}`;

function print(title: string, { lines, usd }: IdleCost): void {
  console.log(`${title}, one idle month in us-east-1 at list prices, no free tier:`);
  for (const { what, quantity, usd: part } of lines) {
    console.log(`  ${what.padEnd(36)}${quantity.padStart(16)}  ${amount(part)}`);
  }
  console.log(`  ${'Sum'.padEnd(52)}  ${amount(usd)}\n`);
}

for (const stage of ['dev', 'production'] as const) {
  print(`Stage ${stage}`, idleCost(templateOf(stage, {})));
  console.log('  Each of these options, by itself, adds (or saves):');
  for (const { what, usd } of optionCosts(stage, templateOf)) {
    console.log(`  ${what.padEnd(52)}  ${amount(usd)}`);
  }
  console.log('');
}
print('Stage production with four drivers', idleCost(templateOf('production', { drivers: 'sim' })));
