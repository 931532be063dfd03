import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { handle } from '../../api/handle.ts';
import { accessOperations } from '../../api/operations/access.ts';

const env = readEnv(['ACCESS_TABLE', 'FLEETS_TABLE']);
const store = openStore({ access: env.ACCESS_TABLE, fleets: env.FLEETS_TABLE });

/** Namespaces, API keys, the OpenAPI document, and whatever no route matches. */
export const handler = handle({ handler: 'access', store, operations: accessOperations(store) });
