import { idleCost } from './idle-cost.ts';
import type { StageName } from './settings/config.ts';
import type { Template } from './template.ts';

/** A choice of the operator, as it is written at a deploy. */
interface Option {
  readonly what: string;
  readonly context?: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

const OPTIONS: readonly Option[] = [
  { what: '-c drivers=sim', context: { drivers: 'sim' } },
  { what: '-c alarms=none', context: { alarms: 'none' } },
  { what: '-c alarms=essential', context: { alarms: 'essential' } },
  { what: '-c alarms=all', context: { alarms: 'all' } },
  { what: '-c auditExport=compliance', context: { auditExport: 'compliance' } },
  { what: '-c tracing=true', context: { tracing: 'true' } },
  { what: '-c customerKey=true', context: { customerKey: 'true' } },
  { what: 'SweepIntervalMinutes=15', parameters: { SweepIntervalMinutes: 15 } },
  { what: 'SweepIntervalMinutes=60', parameters: { SweepIntervalMinutes: 60 } },
  { what: 'InventoryIntervalMinutes=60', parameters: { InventoryIntervalMinutes: 60 } },
  { what: 'FunctionArchitecture=x86_64', parameters: { FunctionArchitecture: 'x86_64' } },
];

/** What an option adds to the cost of an idle month, in US dollars. Negative: it saves that. */
export interface OptionCost {
  readonly what: string;
  readonly usd: number;
}

/** Computes what each option adds by itself to a stage's idle month. Leaves out options that change nothing. */
export function optionCosts(
  stage: StageName,
  templateOf: (stage: StageName, context: Readonly<Record<string, string>>) => Template,
): OptionCost[] {
  const { usd: plain } = idleCost(templateOf(stage, {}));
  return OPTIONS.map(({ what, context = {}, parameters = {} }) => ({
    what,
    usd: idleCost(templateOf(stage, context), parameters).usd - plain,
  })).filter(({ usd }) => Math.abs(usd) >= 0.0005);
}
