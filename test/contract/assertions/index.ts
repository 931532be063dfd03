import type { Assertion } from '../suite/assertion.ts';
import { CAPABILITIES } from './capabilities.ts';
import { CATALOGUE } from './catalogue.ts';
import { ERRORS } from './errors.ts';
import { EXISTING_NETWORKS } from './existing-networks.ts';
import { INSTANCES } from './instances.ts';
import { MACHINE_CHECKS } from './machine-checks.ts';
import { MARKETS } from './markets.ts';
import { MARKS } from './marks.ts';
import { NETWORKS } from './networks.ts';
import { OPTIONS } from './options.ts';
import { EVERY_REQUEST, PERMITS } from './permits.ts';
import { PROOFS } from './proofs.ts';
import { REMOVALS } from './removals.ts';
import { TOKENS } from './tokens.ts';
import { VOLUMES } from './volumes.ts';
import { ZONES } from './zones.ts';

/** All assertions of the contract, in the order of a run. The last assertions check the whole run. */
export const ASSERTIONS: readonly Assertion[] = [
  ...CATALOGUE,
  ...NETWORKS,
  ...EXISTING_NETWORKS,
  ...ZONES,
  ...INSTANCES,
  ...OPTIONS,
  ...MACHINE_CHECKS,
  ...MARKETS,
  ...REMOVALS,
  ...VOLUMES,
  ...TOKENS,
  ...PROOFS,
  ...CAPABILITIES,
  ...MARKS,
  ...PERMITS,
  ...ERRORS,
  ...EVERY_REQUEST,
];
