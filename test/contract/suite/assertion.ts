import type { CapabilityName, DriverFeature } from '../../../functions/drivers/contract/metadata.ts';
import type { Lab } from './lab.ts';

/** One rule of the driver contract. All drivers are tested with the same list of assertions. */
export interface Assertion {
  /** The id never changes, because reports and harnesses refer to it. */
  id: string;
  title: string;
  /** The assertion is skipped for drivers without this optional capability or feature. */
  needs?: CapabilityName | DriverFeature;
  /** @throws Error if the driver does not follow the rule */
  run(lab: Lab): Promise<void>;
}

/** Returns the list unchanged. Makes the compiler check the type of a list at its definition. */
export const assertions = (list: readonly Assertion[]): readonly Assertion[] => list;
