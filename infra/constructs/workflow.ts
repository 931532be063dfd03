import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { type IGrantable, type IPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { VariableName } from '../../functions/platform/runtime/env.ts';
import type { Stage } from '../settings/config.ts';
import type { Parameters } from '../settings/parameters.ts';
import type { Encryption } from './encryption.ts';
import { type AppFunction, localArn } from './function.ts';

export interface WorkflowProps {
  readonly stage: Stage;
  readonly parameters: Parameters;
  readonly encryption: Encryption;
  /** Path of the definition. */
  readonly file: string;
  /** Functions that the state machine calls, by the placeholder for their ARN in the definition. */
  readonly calls?: Readonly<Record<string, AppFunction>>;
}

/**
 * Makes a standard state machine from a definition file. CDK derives no grants from a file, so this class
 * grants the rights to the functions that the state machine uses. A test compares these grants
 * with the placeholders in the files.
 */
export class Workflow extends Construct implements IGrantable {
  readonly machine: StateMachine;
  readonly #role: Role;

  constructor(
    scope: Construct,
    id: string,
    { stage, parameters, encryption, file, calls = {} }: WorkflowProps,
  ) {
    super(scope, id);
    this.#role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    const substitutions = {
      // A file cannot refer to `AWS::Partition`, and the partition is part of each integration's ARN.
      Partition: Aws.PARTITION,
      ...Object.fromEntries(
        Object.entries(calls).map(([token, called]) => [token, called.lambda.functionArn]),
      ),
    };
    this.machine = new StateMachine(this, 'Machine', {
      definitionBody: DefinitionBody.fromFile(file),
      definitionSubstitutions: substitutions,
      role: this.#role,
      tracingEnabled: stage.tracing,
      logs: {
        destination: new LogGroup(this, 'Log', {
          // A log group without the prefix `/aws/vendedlogs/` would need an entry in the account's resource policy
          // for logs. That policy has space for about ten such entries.
          logGroupName: `/aws/vendedlogs/states/fleetwright-${stage.name}-${id}`,
          retention: parameters.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
          ...(encryption.key ? { encryptionKey: encryption.key } : {}),
        }),
        // Only errors are logged: a log line for each transition would cost more than the transitions.
        level: LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    for (const called of Object.values(calls)) called.allowInvokeBy(this);
  }

  get grantPrincipal(): IPrincipal {
    return this.#role;
  }

  connectStarter(starter: AppFunction, variable: VariableName): void {
    starter.set({ [variable]: this.machine.stateMachineArn });
    starter.allow(['states:StartExecution'], [this.machine.stateMachineArn]);
  }

  /** Grants a function the right to read the status of this state machine's executions. */
  allowDescribeBy(asker: AppFunction): void {
    asker.allow(
      ['states:DescribeExecution'],
      [localArn(this, 'states', `execution:${this.machine.stateMachineName}:*`)],
    );
  }

  /** Grants a worker the right to complete the tasks of this state machine. */
  allowAnswerBy(worker: AppFunction): void {
    worker.allow(
      ['states:SendTaskFailure', 'states:SendTaskHeartbeat', 'states:SendTaskSuccess'],
      [this.machine.stateMachineArn],
    );
  }
}
