import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  CfnGlobalTable,
  type GlobalSecondaryIndexPropsV2,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import type { VariableName } from '../../functions/platform/runtime/env.ts';
import {
  BY_ACTIVITY_INDEX,
  BY_NAMESPACE_ATTRIBUTES,
  BY_NAMESPACE_INDEX,
  BY_SITE_ATTRIBUTES,
  BY_SITE_INDEX,
} from '../../functions/platform/store/keys.ts';
import type { Partitions } from '../../functions/platform/store/partitions.ts';
import type { Stage } from '../settings/config.ts';
import type { Encryption } from './encryption.ts';
import type { AppFunction } from './function.ts';

/**
 * Rights of a function to a table. `readPut`: the function reads items and puts whole items. `readCheck`: the
 * function reads items, and checks them in transactions that write to other tables. `put`: the function puts whole items.
 * `delete`: the function deletes items. Constructs call `connect` with one of these rights for each function. `test/infra/grants.test.ts` lists the grants of every function.
 */
export type TableAccess = 'delete' | 'put' | 'read' | 'readPut' | 'readCheck' | 'write' | 'readWrite';

/** The actions are listed one by one, because CDK's grants include `Scan`, which no function may use. */
const READ = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'];
const WRITE = [
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
];

const ACTIONS: Readonly<Record<TableAccess, readonly string[]>> = {
  delete: ['dynamodb:DeleteItem'],
  put: ['dynamodb:PutItem'],
  read: READ,
  readPut: [...READ, 'dynamodb:PutItem'],
  readCheck: [...READ, 'dynamodb:ConditionCheckItem'],
  write: WRITE,
  readWrite: [...READ, ...WRITE],
};

interface DataTableProps {
  readonly stage: Stage;
  readonly encryption: Encryption;
  readonly variable: VariableName;
  readonly indexes?: readonly GlobalSecondaryIndexPropsV2[];
  /** True if a function gets the new items from a stream. */
  readonly isStreamed?: boolean;
}

/**
 * Makes an on-demand table with the keys `pk` and `sk`. `connect` passes the table's name to functions in an
 * environment variable.
 */
export class DataTable extends Construct {
  readonly table: TableV2;
  readonly #variable: VariableName;
  readonly #indexNames: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    { stage, encryption, variable, indexes = [], isStreamed = false }: DataTableProps,
  ) {
    super(scope, id);
    this.#variable = variable;
    this.#indexNames = indexes.map((index) => index.indexName);
    this.table = new TableV2(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      // DynamoDB's own key is free. A key of the account costs $1 a month, plus its use.
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      timeToLiveAttribute: 'expiresAt',
      globalSecondaryIndexes: [...indexes],
      ...(isStreamed ? { dynamoStream: StreamViewType.NEW_IMAGE } : {}),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: stage.keepData },
      deletionProtection: stage.protectTables,
      // With `keepData`, the table is kept when the stack or the resource is deleted. If the deploy that
      // creates the table fails, CloudFormation deletes the table, so that repeated deploys do not leave several
      // sets of tables. A protected table is left then, and the operator deletes it (ADR 0060).
      removalPolicy: stage.keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    if (encryption.key) encryptWith(this.table, encryption.key.keyArn);
  }

  /**
   * Grants a function rights to the table.
   *
   * @param partitions the only partitions that the function may read and write; absent: all
   */
  connect(to: AppFunction, access: TableAccess, { reads, writes }: Partitions = {}): void {
    to.set({ [this.#variable]: this.table.tableName });
    const { tableArn } = this.table;
    const actions = ACTIONS[access];
    const isRead = (action: string) => READ.includes(action);
    for (const [part, partitions] of [
      [actions.filter(isRead), reads],
      [actions.filter((action) => !isRead(action)), writes],
    ] as const) {
      if (part.length > 0) to.allow(part, [tableArn], partitions && leadingKeys(partitions));
    }
    if (actions.some(isRead) && this.#indexNames.length > 0) {
      to.allow(
        ['dynamodb:Query'],
        this.#indexNames.map((name) => `${tableArn}/index/${name}`),
      );
    }
  }
}

/** Encrypts a table with a key of the account. CDK's own setting needs a stack whose region is known. */
function encryptWith(table: TableV2, keyArn: string): void {
  const resource = table.node.defaultChild;
  if (!(resource instanceof CfnGlobalTable)) throw new TypeError('the table has no resource');
  resource.addPropertyOverride('SSESpecification', { SSEEnabled: true, SSEType: 'KMS' });
  resource.addPropertyOverride('Replicas.0.SSESpecification', { KMSMasterKeyId: keyArn });
}

/** Returns the condition that a request names only these partitions. In a pattern, `*` stands for any text. */
const leadingKeys = (partitions: readonly string[]) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...partitions] },
});

function index(name: string, key: string, attributes: readonly string[]): GlobalSecondaryIndexPropsV2 {
  return {
    indexName: name,
    partitionKey: { name: `${key}Pk`, type: AttributeType.STRING },
    sortKey: { name: `${key}Sk`, type: AttributeType.STRING },
    ...(attributes.length === 0
      ? { projectionType: ProjectionType.KEYS_ONLY }
      : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...attributes] }),
  };
}

/** Makes the tables. `functions/platform/store` documents their items. */
export class Data extends Construct {
  readonly fleets: DataTable;
  readonly governor: DataTable;
  readonly catalogue: DataTable;
  readonly access: DataTable;
  readonly history: DataTable;
  readonly audit: DataTable;

  constructor(scope: Construct, id: string, common: { stage: Stage; encryption: Encryption }) {
    super(scope, id);
    this.fleets = new DataTable(this, 'Fleets', {
      ...common,
      variable: 'FLEETS_TABLE',
      indexes: [
        index(BY_NAMESPACE_INDEX, 'ns', BY_NAMESPACE_ATTRIBUTES),
        index(BY_SITE_INDEX, 'site', BY_SITE_ATTRIBUTES),
        index(BY_ACTIVITY_INDEX, 'active', []),
      ],
    });
    this.governor = new DataTable(this, 'Governor', { ...common, variable: 'GOVERNOR_TABLE' });
    this.catalogue = new DataTable(this, 'Catalogue', { ...common, variable: 'CATALOGUE_TABLE' });
    this.access = new DataTable(this, 'Access', { ...common, variable: 'ACCESS_TABLE' });
    this.history = new DataTable(this, 'History', { ...common, variable: 'HISTORY_TABLE' });
    this.audit = new DataTable(this, 'Audit', {
      ...common,
      variable: 'AUDIT_TABLE',
      isStreamed: common.stage.auditExport !== 'none',
    });
  }
}
