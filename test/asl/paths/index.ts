import type { Path } from '../path.ts';
import { PROVISION_ERRORS } from './provision-errors.ts';
import { PROVISION_FLEET } from './provision-fleet.ts';
import { TERMINATE_FLEET } from './terminate-fleet.ts';

/** Paths through all state machines. Together they enter every state. */
export const PATHS: readonly Path[] = [...PROVISION_FLEET, ...PROVISION_ERRORS, ...TERMINATE_FLEET];
