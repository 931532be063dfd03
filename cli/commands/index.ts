import type { CommandPart } from '../shell/command.ts';
import { apiKeyNoun } from './api-key.ts';
import { auditNoun } from './audit.ts';
import { bindingNoun } from './binding.ts';
import { imageNoun, instanceTypeNoun, locationNoun, offerNoun } from './catalogue.ts';
import { connectionNoun } from './connection.ts';
import { deploymentNoun, doctorCommand } from './deployment.ts';
import { driverNoun } from './driver.ts';
import { fleetNoun } from './fleet.ts';
import { instanceNoun } from './instance.ts';
import { localNoun } from './local.ts';
import { namespaceNoun } from './namespace.ts';
import { networkNoun } from './network.ts';
import { orphansNoun } from './orphans.ts';
import { resourcesNoun } from './resources.ts';

/** The nouns of all commands, in the order in which the help lists them. */
export const nouns: readonly CommandPart[] = [
  localNoun,
  fleetNoun,
  instanceNoun,
  networkNoun,
  resourcesNoun,
  orphansNoun,
  connectionNoun,
  locationNoun,
  instanceTypeNoun,
  offerNoun,
  imageNoun,
  driverNoun,
  namespaceNoun,
  apiKeyNoun,
  auditNoun,
  bindingNoun,
  deploymentNoun,
  doctorCommand,
];
