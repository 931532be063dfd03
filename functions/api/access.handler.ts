import { readEnv } from '../runtime/env.ts';
import { openStore } from '../store/client.ts';
import { handle } from './handle.ts';
import { accessOperations } from './operations/access.ts';

const env = readEnv(['ACCESS_TABLE', 'FLEETS_TABLE']);
const store = openStore({ access: env.ACCESS_TABLE, fleets: env.FLEETS_TABLE });

/** Namespaces, API keys, the OpenAPI document, and whatever no route matches. */
export const handler = handle({ handler: 'access', store, operations: accessOperations(store) });
