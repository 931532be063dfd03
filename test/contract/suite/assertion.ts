import type { CapabilityName, DriverFeature } from '../../../functions/drivers/contract/metadata.ts';
import type { Lab } from './lab.ts';

/** One promise of the driver contract. All drivers are tested with the same list. */
export interface Assertion {
  /** Never changed, since reports and harnesses refer to it. */
  id: string;
  title: string;
  /** The assertion is skipped for drivers without this optional capability or feature. */
  needs?: CapabilityName | DriverFeature;
  /** @throws Error when the promise is not kept */
  run(lab: Lab): Promise<void>;
}

/** Types a list of assertions where it is written. */
export const assertions = (list: readonly Assertion[]): readonly Assertion[] => list;
