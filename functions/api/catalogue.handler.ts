import { readEnv } from '../runtime/env.ts';
import { openStore } from '../store/client.ts';
import { handle } from './handle.ts';
import { catalogueOperations } from './operations/catalogue.ts';

const env = readEnv(['ACCESS_TABLE', 'CATALOGUE_TABLE']);
const store = openStore({ access: env.ACCESS_TABLE, catalogue: env.CATALOGUE_TABLE });

/** What connections may use: locations, instance types, offers, images. */
export const handler = handle({ handler: 'catalogue', store, operations: catalogueOperations(store) });
