import { z } from 'zod';
import type { Quota } from '../contract/capabilities.ts';
import type { Region } from './region.ts';

const MB_PER_GB = 1_024;

const limitsSchema = z.object({
  limits: z.object({
    absolute: z.object({
      maxTotalInstances: z.number(),
      totalInstancesUsed: z.number(),
      maxTotalCores: z.number(),
      totalCoresUsed: z.number(),
      maxTotalRAMSize: z.number().describe('MiB'),
      totalRAMUsed: z.number().describe('MiB'),
    }),
  }),
});

/** Reads the project's quotas from Nova. Leaves out unlimited quotas, for which Nova reports -1. */
export async function readQuotas(region: Region): Promise<Quota[]> {
  const { limits } = await region.call('compute', { method: 'GET', path: ['limits'], answer: limitsSchema });
  const { absolute } = limits;
  const quotas: Quota[] = [
    { unit: 'instances', limit: absolute.maxTotalInstances, used: absolute.totalInstancesUsed },
    { unit: 'vcpus', limit: absolute.maxTotalCores, used: absolute.totalCoresUsed },
    {
      unit: 'memoryGb',
      limit: absolute.maxTotalRAMSize / MB_PER_GB,
      used: absolute.totalRAMUsed / MB_PER_GB,
    },
  ];
  return quotas.filter(({ limit }) => limit >= 0);
}
