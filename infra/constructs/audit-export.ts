import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { LOG_PREFIX } from '../../functions/platform/store/audit-keys.ts';
import { EXPORT_MARK_PARTITIONS } from '../../functions/platform/store/partitions.ts';
import { SCHEDULED_SECONDS } from '../settings/times.ts';
import type { Data } from './data.ts';
import { AppFunction, type FunctionContext } from './function.ts';

/** Longest time for which a batch of entries is collected, in seconds. One object costs as much as 80 entries. */
const BATCH_SECONDS = 60;
const BATCH_ENTRIES = 1_000;

export interface AuditExportProps extends FunctionContext {
  readonly data: Data;
}

/**
 * Exports the audit log to a bucket of its own, as JSON lines. The bucket outlives the stack. With Object Lock, an object
 * cannot be deleted or replaced before its retention ends: in the mode `compliance` not even by the account's root user.
 */
export class AuditExport extends Construct {
  readonly bucket: Bucket;
  readonly function: AppFunction;

  constructor(scope: Construct, id: string, props: AuditExportProps) {
    super(scope, id);
    const { data } = props;
    this.bucket = this.#bucket(props);
    this.function = new AppFunction(this, 'Export', {
      ...props,
      entry: 'streams/export-audit',
      timeout: Duration.seconds(SCHEDULED_SECONDS),
    });
    this.function.set({ AUDIT_BUCKET: this.bucket.bucketName });
    this.function.allow(['s3:PutObject'], [this.bucket.arnForObjects('audit/*')]);
    props.encryption.allowUse(this.function, 's3');
    data.audit.connect(this.function, 'readPut', EXPORT_MARK_PARTITIONS);
    this.#subscribe(data);
  }

  #bucket({ stage: { auditExport, auditLockDays }, encryption: { key } }: AuditExportProps): Bucket {
    const days = Duration.days(auditLockDays);
    return new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      ...(key
        ? { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
      ...(auditExport === 'governance'
        ? { objectLockDefaultRetention: ObjectLockRetention.governance(days) }
        : {}),
      ...(auditExport === 'compliance'
        ? { objectLockDefaultRetention: ObjectLockRetention.compliance(days) }
        : {}),
    });
  }

  /**
   * Sends new entries to the function, and nothing else: no notes of acts under way, and no deletions. A batch that fails is
   * repeated until the stream drops it, after 24 hours.
   */
  #subscribe({ audit }: Data): void {
    const stream = audit.table.tableStreamArn;
    if (stream === undefined) throw new Error('the table of the audit log has no stream');
    this.function.allow(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      [stream],
    );
    const mapping = new CfnEventSourceMapping(this, 'Mapping', {
      functionName: this.function.lambda.functionName,
      eventSourceArn: stream,
      startingPosition: 'TRIM_HORIZON',
      batchSize: BATCH_ENTRIES,
      maximumBatchingWindowInSeconds: BATCH_SECONDS,
      parallelizationFactor: 1,
      bisectBatchOnFunctionError: false,
      filterCriteria: {
        filters: [
          {
            pattern: JSON.stringify({
              eventName: ['INSERT'],
              dynamodb: { Keys: { pk: { S: [{ prefix: LOG_PREFIX }] } } },
            }),
          },
        ],
      },
    });
    // Lambda checks the rights of the role when it makes the mapping.
    mapping.node.addDependency(this.function);
  }
}
