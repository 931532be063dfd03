import type * as z from 'zod';
import type { gpuSchema } from '../../model/cloud.ts';

type Gpu = z.output<typeof gpuSchema>;

/**
 * Known GPU models with the memory of one GPU in GB. A flavor names its GPU by an alias that the operator chose. If a
 * model exists with several memory sizes, the patterns of that model match only an alias that contains the size.
 */
const MODELS: readonly { pattern: RegExp; model: string; manufacturer: string; memoryGb: number }[] = [
  { pattern: /h200/, model: 'H200', manufacturer: 'NVIDIA', memoryGb: 141 },
  { pattern: /h100/, model: 'H100', manufacturer: 'NVIDIA', memoryGb: 80 },
  { pattern: /a100.*80/, model: 'A100', manufacturer: 'NVIDIA', memoryGb: 80 },
  { pattern: /a100.*40/, model: 'A100', manufacturer: 'NVIDIA', memoryGb: 40 },
  { pattern: /l40s/, model: 'L40S', manufacturer: 'NVIDIA', memoryGb: 48 },
  { pattern: /l40/, model: 'L40', manufacturer: 'NVIDIA', memoryGb: 48 },
  { pattern: /\bl4\b/, model: 'L4', manufacturer: 'NVIDIA', memoryGb: 24 },
  { pattern: /\ba40\b/, model: 'A40', manufacturer: 'NVIDIA', memoryGb: 48 },
  { pattern: /\ba30\b/, model: 'A30', manufacturer: 'NVIDIA', memoryGb: 24 },
  { pattern: /\ba10\b/, model: 'A10', manufacturer: 'NVIDIA', memoryGb: 24 },
  { pattern: /\bt4\b/, model: 'T4', manufacturer: 'NVIDIA', memoryGb: 16 },
  { pattern: /mi300x/, model: 'MI300X', manufacturer: 'AMD', memoryGb: 192 },
];

/**
 * Returns the GPUs that machines of a flavor get. The property `pci_passthrough:alias` is `<alias>:<count>`, and the
 * operator chooses the alias. Returns undefined if the alias does not identify the model.
 */
export function gpuOf(extraSpecs: Readonly<Record<string, string>>): Gpu | undefined {
  const [, alias, count] = /^([^:,]+):([1-9]\d*)$/.exec(extraSpecs['pci_passthrough:alias'] ?? '') ?? [];
  if (alias === undefined) return undefined;
  const words = alias.toLowerCase().replace(/[_.]/g, '-');
  const known = MODELS.find(({ pattern }) => pattern.test(words));
  if (!known) return undefined;
  const { model, manufacturer, memoryGb } = known;
  return { model, manufacturer, memoryGb, count: Number(count) };
}
