import * as z from 'zod';
import { DRIVER_NAMES } from '../../../functions/model/connection.ts';
import {
  DEPLOYMENT_ID_PARTITIONS,
  isPartitionOf,
  PARTITIONS_OF_CONNECTIONS,
  PARTITIONS_OF_FINISH_CHANGES,
  type PartitionsByTable,
  partitionsOfDriver,
} from '../../../functions/platform/store/partitions.ts';
import {
  batchGetSchema,
  batchWriteSchema,
  deleteSchema,
  getSchema,
  putSchema,
  querySchema,
  transactSchema,
  updateSchema,
} from '../models/dynamo/commands.ts';

/** One item or partition that a request reads or writes. IAM decides on each by action, table and partition key. */
export interface Use {
  table: string;
  index?: string | undefined;
  action: string;
  pk: string;
}

const READS = new Set(['BatchGetItem', 'GetItem', 'Query']);
const ofDriver = (name: (typeof DRIVER_NAMES)[number]) => (name === 'sim' ? 'worker' : `worker-${name}`);

/** Partitions of the functions of a lab that have rights to some partitions only, by the function's name in the lab. */
const PARTITIONS: ReadonlyMap<string, PartitionsByTable> = new Map([
  ...DRIVER_NAMES.map((name) => [ofDriver(name), partitionsOfDriver(name)] as const),
  // Their other requests to the table `fleets` check conditions, which their policies allow for all partitions.
  ['api-connections', { access: PARTITIONS_OF_CONNECTIONS.access }],
  ['finish-changes', { access: PARTITIONS_OF_FINISH_CHANGES.access }],
]);

/** Returns the function of a process, whose name is that of the function and a number. */
export const functionOf = (processName: string): string => processName.replace(/-\d+$/, '');

/**
 * Returns the uses of a request that the function's IAM policy would refuse. The local engine enforces no policies, so
 * that only this model shows a function that exceeds its rights.
 */
export function refusedUses(processName: string, command: string, input: unknown): Use[] {
  const partitions = PARTITIONS.get(functionOf(processName));
  if (!partitions) return [];
  const byTable = new Map(Object.entries(partitions));
  return usesOf(command, input).filter(({ table, index, action, pk }) => {
    const allowed = byTable.get(table)?.[READS.has(action) ? 'reads' : 'writes'];
    if (isDeploymentId({ table, action, pk })) return false;
    return index === undefined && allowed !== undefined && !allowed.some((one) => isPartitionOf(one, pk));
  });
}

/** A worker writes the deployment's id, as on the local engine: the lab has no custom resource that does. */
const isDeploymentId = ({ table, action, pk }: Use): boolean =>
  table === 'fleets' && action === 'PutItem' && DEPLOYMENT_ID_PARTITIONS.writes?.includes(pk) === true;

const pkSchema = z.object({ pk: z.string() });
const pkOf = (item: unknown): string => pkSchema.parse(item).pk;

/** Returns everything that a command of the document client uses. @throws Error for a command without a rule here */
export function usesOf(command: string, input: unknown): Use[] {
  switch (command) {
    case 'GetCommand': {
      const { TableName: table, Key } = getSchema.parse(input);
      return [{ table, action: 'GetItem', pk: pkOf(Key) }];
    }
    case 'QueryCommand':
      return [useOfQuery(input)];
    case 'BatchGetCommand':
      return Object.entries(batchGetSchema.parse(input).RequestItems).flatMap(([table, { Keys }]) =>
        Keys.map((Key) => ({ table, action: 'BatchGetItem', pk: pkOf(Key) })),
      );
    case 'BatchWriteCommand':
      return Object.entries(batchWriteSchema.parse(input).RequestItems).flatMap(([table, requests]) =>
        requests.map((one) => ({
          table,
          action: 'BatchWriteItem',
          pk: pkOf('PutRequest' in one ? one.PutRequest.Item : one.DeleteRequest.Key),
        })),
      );
    case 'PutCommand': {
      const { TableName: table, Item } = putSchema.parse(input);
      return [{ table, action: 'PutItem', pk: pkOf(Item) }];
    }
    case 'UpdateCommand': {
      const { TableName: table, Key } = updateSchema.parse(input);
      return [{ table, action: 'UpdateItem', pk: pkOf(Key) }];
    }
    case 'DeleteCommand': {
      const { TableName: table, Key } = deleteSchema.parse(input);
      return [{ table, action: 'DeleteItem', pk: pkOf(Key) }];
    }
    case 'TransactWriteCommand':
      return transactSchema.parse(input).TransactItems.flatMap(({ Put, Update, Delete, ConditionCheck }) => [
        ...(Put ? usesOf('PutCommand', Put) : []),
        ...(Update ? usesOf('UpdateCommand', Update) : []),
        ...(Delete ? usesOf('DeleteCommand', Delete) : []),
        ...(ConditionCheck
          ? [
              {
                table: ConditionCheck.TableName,
                action: 'ConditionCheckItem',
                pk: pkOf(ConditionCheck.Key),
              },
            ]
          : []),
      ]);
    default:
      throw new Error(`there is no rule about the rights that ${command} needs`);
  }
}

/** Returns the partition that a query reads. Every query of this project names it first in its condition. */
function useOfQuery(input: unknown): Use {
  const query = querySchema.parse(input);
  const [, placeholder = ''] = /^\s*\S+\s*=\s*(:\w+)/.exec(query.KeyConditionExpression) ?? [];
  const pk = z.string().parse(query.ExpressionAttributeValues?.[placeholder]);
  return { table: query.TableName, index: query.IndexName, action: 'Query', pk };
}
