import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type IGrantable,
  type IPrincipal,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { Code, Function as Lambda, RecursiveLoop, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { VariableName } from '../../functions/platform/runtime/env.ts';
import { type Bundles, HANDLERS } from '../settings/bundles.ts';
import type { Stage } from '../settings/config.ts';
import type { Parameters } from '../settings/parameters.ts';
import type { Encryption } from './encryption.ts';

/** Settings that every function of the stack shares. */
export interface FunctionContext {
  readonly stage: Stage;
  readonly parameters: Parameters;
  readonly bundles: Bundles;
  readonly encryption: Encryption;
}

export interface FunctionProps extends FunctionContext {
  /** Path of the entry point, relative to `functions/entrypoints/handlers/`, without `.handler.ts`. */
  readonly entry: string;
  readonly timeout: Duration;
  readonly memoryMb?: number;
  /**
   * True if the function sends messages to the queue that it reads. Without this setting, Lambda's loop
   * detection stops such a chain of invocations after about 16 of them.
   */
  readonly sendsToItself?: boolean;
}

/**
 * Makes one Lambda function with its own role and log group. At first, the role may only write that log.
 * Constructs grant each further right together with the environment variable that names the resource.
 */
export class AppFunction extends Construct implements IGrantable {
  readonly lambda: Lambda;
  readonly entry: string;
  readonly #role: Role;

  constructor(scope: Construct, id: string, props: FunctionProps) {
    super(scope, id);
    const { stage, parameters, bundles, encryption, entry } = props;
    this.entry = entry;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/fleetwright/${stage.name}/${entry.replaceAll('/', '-')}`,
      retention: parameters.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(encryption.key ? { encryptionKey: encryption.key } : {}),
    });
    this.#role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.lambda = new Lambda(this, 'Function', {
      description: `${HANDLERS}/${entry}`,
      code: Code.fromAsset(bundles.directoryOf(entry)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: parameters.functionArchitecture,
      memorySize: props.memoryMb ?? 512,
      timeout: props.timeout,
      role: this.#role,
      logGroup,
      tracing: stage.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(props.sendsToItself ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
    });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]);
    encryption.allowUse(this, 'dynamodb', 'sqs');
  }

  get grantPrincipal(): IPrincipal {
    return this.#role;
  }

  /** Sets environment variables that `readEnv` knows. */
  set(values: Partial<Record<VariableName, string>>): void {
    for (const [name, value] of Object.entries(values)) this.lambda.addEnvironment(name, value);
  }

  /** @param conditions conditions of the policy statement; absent: none */
  allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions?: Record<string, unknown>,
  ): void {
    this.#role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions === undefined ? {} : { conditions }),
      }),
    );
  }

  /**
   * Grants another service's role the right to call this function by its unqualified ARN (without a version or an
   * alias).
   */
  allowInvokeBy(caller: IGrantable): void {
    caller.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.lambda.functionArn] }),
    );
  }
}

/** Returns the ARN of a resource in this stack's account and region. */
export function localArn(scope: Construct, service: string, resource: string): string {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:${service}:${region}:${account}:${resource}`;
}
