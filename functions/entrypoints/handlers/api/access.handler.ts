import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { handle } from '../../api/handle.ts';
import { openTokens, TOKEN_ENV } from '../../api/open-tokens.ts';
import { accessOperations } from '../../api/operations/access.ts';

const env = readEnv([...TOKEN_ENV, 'ACCESS_TABLE', 'AUDIT_TABLE', 'FLEETS_TABLE']);
const store = openStore({ access: env.ACCESS_TABLE, audit: env.AUDIT_TABLE, fleets: env.FLEETS_TABLE });
const tokens = openTokens(env);

/** Answers requests about namespaces, API keys and the OpenAPI document, and requests that match no route. */
export const handler = handle({
  handler: 'access',
  store,
  tokens,
  operations: accessOperations(store, tokens?.issuer),
});
