import * as z from 'zod';
import { p95 } from '../networks/networks.ts';
import type { BulkPlan } from './cases.ts';
import type { Times } from './machines.ts';

const seconds = z.number().nonnegative();
const count = z.int().nonnegative();

/** One case, as the document has it. */
export const bulkRowSchema = z.strictObject({
  case: z.string(),
  instances: z.int().positive(),
  regions: z.int().positive(),
  /**
   * Time from the API's answer until the cloud has accepted the last machine, or its removal. With requests for one
   * machine each: the 95th percentile.
   */
  acceptedSeconds: seconds,
  idealAcceptedSeconds: seconds,
  /** Time until the last machine runs, or is gone. */
  makespanSeconds: seconds,
  idealSeconds: seconds,
  ratio: z.number().positive(),
  createCalls: count,
  idealCreateCalls: count,
  throttled: count,
  /** All calls to the cloud from the request until the last machine ran, or was gone. */
  calls: count,
  /** The same machines with the limits of the tier `cautious` and a call for each. Only of the first case. */
  cautiousAcceptedSeconds: seconds.exactOptional(),
  cautiousMakespanSeconds: seconds.exactOptional(),
  cautiousCreateCalls: count.exactOptional(),
  cautiousThrottled: count.exactOptional(),
  cautiousCalls: count.exactOptional(),
});
export type BulkRow = z.output<typeof bulkRowSchema>;
export const bulkDocumentSchema = z.strictObject({ cases: z.array(bulkRowSchema) });

export interface Counts {
  calls: number;
  createCalls: number;
  throttled: number;
}

export function rowOf(plan: BulkPlan, times: Times, { calls, createCalls, throttled }: Counts): BulkRow {
  const { instances, regions, singles } = plan;
  const of = (values: readonly number[]) => rounded(singles ? p95(values) : p100(values));
  return {
    case: plan.case,
    instances,
    regions,
    acceptedSeconds: of(times.acceptedSeconds),
    idealAcceptedSeconds: of(times.idealAcceptedSeconds),
    makespanSeconds: rounded(times.makespanSeconds),
    idealSeconds: rounded(times.idealSeconds),
    ratio: Number((times.makespanSeconds / times.idealSeconds).toFixed(4)),
    createCalls,
    idealCreateCalls: times.idealCalls,
    throttled,
    calls,
  };
}

const p100 = (values: readonly number[]): number => values.reduce((most, one) => Math.max(most, one), 0);
const rounded = (value: number): number => Number(value.toFixed(2));
