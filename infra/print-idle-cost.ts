import { idleCost } from './idle-cost.ts';
import { bundleFunctions } from './settings/bundles.ts';
import { synthesize } from './synthesize.ts';

const bundles = bundleFunctions();
for (const stage of ['dev', 'production'] as const) {
  const { lines, usd } = idleCost(synthesize(stage, bundles));
  console.log(`Stage ${stage}, one idle month in us-east-1 at list prices, no free tier:`);
  for (const { what, quantity, usd: part } of lines) {
    console.log(`  ${what.padEnd(36)}${quantity.padStart(16)}  $ ${part.toFixed(3).padStart(7)}`);
  }
  console.log(`  ${'Sum'.padEnd(52)}  $ ${usd.toFixed(3).padStart(7)}\n`);
}
