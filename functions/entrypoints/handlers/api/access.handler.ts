import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { handle } from '../../api/handle.ts';
import { accessOperations } from '../../api/operations/access.ts';

const env = readEnv(['ACCESS_TABLE', 'AUDIT_TABLE', 'FLEETS_TABLE']);
const store = openStore({ access: env.ACCESS_TABLE, audit: env.AUDIT_TABLE, fleets: env.FLEETS_TABLE });

/** Answers requests about namespaces, API keys and the OpenAPI document, and requests that match no route. */
export const handler = handle({ handler: 'access', store, operations: accessOperations(store) });
