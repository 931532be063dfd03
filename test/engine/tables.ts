import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { makeFleetId } from '../../functions/model/identifiers.ts';
import { type Clock, systemClock } from '../../functions/platform/runtime/clock.ts';
import { BY_NAMESPACE_ATTRIBUTES, BY_SITE_ATTRIBUTES } from '../../functions/platform/store/keys.ts';
import { openDocumentClient, type Store, type Tables } from '../../functions/platform/store/store.ts';

const NAMES = ['fleets', 'governor', 'catalogue', 'access', 'history', 'audit'] as const;

/**
 * Creates tables for one test file on the engine at AWS_ENDPOINT_URL, with the same keys and indexes as in
 * the CDK app.
 */
export function useTables(clock: Clock = systemClock): Store {
  const suffix = makeFleetId(Date.now(), Math.random);
  const name = (table: string) => `test-${table}-${suffix}`;
  const tables: Tables = {
    fleets: name('fleets'),
    governor: name('governor'),
    catalogue: name('catalogue'),
    access: name('access'),
    history: name('history'),
    audit: name('audit'),
  };
  const dynamo = new DynamoDBClient({});
  beforeAll(async () => {
    await Promise.all(NAMES.map((table) => dynamo.send(createTable(tables[table], table === 'fleets'))));
  });
  afterAll(async () => {
    await Promise.all(
      NAMES.map((table) => dynamo.send(new DeleteTableCommand({ TableName: tables[table] }))),
    );
  });
  return { document: openDocumentClient(), tables, clock: { ...systemClock, ...clock }, random: Math.random };
}

function createTable(tableName: string, indexed: boolean): CreateTableCommand {
  const index = (indexName: string, pk: string, sk: string, attributes: readonly string[]) => ({
    IndexName: indexName,
    KeySchema: [
      { AttributeName: pk, KeyType: 'HASH' as const },
      { AttributeName: sk, KeyType: 'RANGE' as const },
    ],
    Projection:
      attributes.length === 0
        ? { ProjectionType: 'KEYS_ONLY' as const }
        : { ProjectionType: 'INCLUDE' as const, NonKeyAttributes: [...attributes] },
  });
  const keys = ['pk', 'sk', ...(indexed ? ['nsPk', 'nsSk', 'sitePk', 'siteSk', 'activePk', 'activeSk'] : [])];
  return new CreateTableCommand({
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
    ...(indexed
      ? {
          GlobalSecondaryIndexes: [
            index('byNamespace', 'nsPk', 'nsSk', BY_NAMESPACE_ATTRIBUTES),
            index('bySite', 'sitePk', 'siteSk', BY_SITE_ATTRIBUTES),
            index('byActivity', 'activePk', 'activeSk', []),
          ],
        }
      : {}),
  });
}
