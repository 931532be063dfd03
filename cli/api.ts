import type { ClientInput, OperationId, OperationOutput } from '../functions/api/contract.ts';

type Given<Id extends OperationId> = {
  [Part in keyof ClientInput<Id> as ClientInput<Id>[Part] extends undefined ? never : Part]: ClientInput<Id>[Part];
};
export type Api = {
  [Id in OperationId]: (input: Given<Id> & { idempotencyKey?: string }) => Promise<OperationOutput<Id>>;
};
