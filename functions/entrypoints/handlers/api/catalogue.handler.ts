import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { handle } from '../../api/handle.ts';
import { openTokens, TOKEN_ENV } from '../../api/open-tokens.ts';
import { catalogueOperations } from '../../api/operations/catalogue.ts';

const env = readEnv([...TOKEN_ENV, 'ACCESS_TABLE', 'AUDIT_TABLE', 'CATALOGUE_TABLE']);
const store = openStore({ access: env.ACCESS_TABLE, audit: env.AUDIT_TABLE, catalogue: env.CATALOGUE_TABLE });
const tokens = openTokens(env);

/** Answers requests about the catalogue of a connection: locations, instance types, offers, images. */
export const handler = handle({
  handler: 'catalogue',
  store,
  tokens,
  operations: catalogueOperations(store),
});
