import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Stage } from '../settings/config.ts';

/** What a principal does with the key through a service that stores data under it. */
const USES = {
  dynamodb: [
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ],
  s3: ['kms:GenerateDataKey'],
  sqs: ['kms:Decrypt', 'kms:GenerateDataKey'],
} as const;

/**
 * The account's own key for all data that the stack stores: tables, queues, logs, parameters and the topic of alarms.
 * Stages have it only with `-c customerKey=true`, because it costs money. Without it, the services use keys of their own.
 */
export class Encryption extends Construct {
  readonly key: Key | undefined;

  constructor(scope: Construct, id: string, { stage }: { stage: Stage }) {
    super(scope, id);
    if (!stage.customerKey) return;
    this.key = new Key(this, 'Key', {
      description: `Data of Fleetwright, stage ${stage.name}`,
      enableKeyRotation: true,
      // Without the key, retained tables and their backups cannot be read.
      removalPolicy: stage.keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    this.#allowServices(this.key);
  }

  /** Lets CloudWatch Logs encrypt the log groups of this account, and CloudWatch publish alarms to an encrypted topic. */
  #allowServices(key: Key): void {
    const { partition, region, account, urlSuffix } = Stack.of(this);
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(`logs.${region}.${urlSuffix}`)],
        actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey', ...RE_ENCRYPT],
        resources: ['*'],
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*`,
          },
        },
      }),
    );
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
  }

  /** Grants what a principal needs to use tables or queues that are encrypted with the key, and only through them. */
  allowUse(by: IGrantable, ...services: readonly (keyof typeof USES)[]): void {
    for (const service of services) this.#allow(by, USES[service], service, {});
  }

  /** Grants the use of the key for SecureStrings. @param parameters ARNs of the parameters, which may end with `*` */
  allowSecrets(by: IGrantable, use: 'read' | 'write', parameters: readonly string[]): void {
    const actions = [use === 'read' ? 'kms:Decrypt' : 'kms:Encrypt'];
    const isOfParameter = { StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': [...parameters] } };
    this.#allow(by, actions, 'ssm', isOfParameter);
  }

  #allow(
    by: IGrantable,
    actions: readonly string[],
    service: string,
    conditions: Record<string, unknown>,
  ): void {
    if (!this.key) return;
    const { region, urlSuffix } = Stack.of(this);
    by.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [this.key.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` },
          ...conditions,
        },
      }),
    );
  }
}

const RE_ENCRYPT = ['kms:ReEncryptFrom', 'kms:ReEncryptTo'];
