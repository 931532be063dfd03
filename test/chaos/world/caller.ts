import { ALL_RIGHTS } from '../../../functions/model/access.ts';
import type { Caller } from '../../../functions/model/caller.ts';

/** The caller of requests in tests that are not about rights. It may do everything. */
export const CALLER: Caller = { actor: { kind: 'key', name: 'key-of-the-operator' }, ...ALL_RIGHTS };
