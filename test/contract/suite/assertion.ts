import type { CapabilityName, DriverFeature } from '../../../functions/drivers/contract/metadata.ts';
import type { Lab } from './lab.ts';

/** One thing that the contract promises. The same list is run for every driver. */
export interface Assertion {
  /** Stable; reports and harnesses refer to it. */
  id: string;
  title: string;
  /** Without it, the assertion is skipped: a driver may lack it. */
  needs?: CapabilityName | DriverFeature;
  /** @throws Error when the promise is not kept */
  run(lab: Lab): Promise<void>;
}

/** Checks that the compiler lets a list of assertions be one. */
export const assertions = (list: readonly Assertion[]): readonly Assertion[] => list;
