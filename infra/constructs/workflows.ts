import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { AUDIT_PARTITIONS } from '../../functions/platform/store/partitions.ts';
import { STEP_SECONDS } from '../settings/times.ts';
import type { Data } from './data.ts';
import type { DriverQueues } from './driver-queue.ts';
import { AppFunction, type FunctionContext } from './function.ts';
import type { Secrets } from './secrets.ts';
import { Workflow } from './workflow.ts';

const definitions = join(dirname(fileURLToPath(import.meta.url)), '../../state-machines');

export interface WorkflowsProps extends FunctionContext {
  readonly data: Data;
  readonly queues: DriverQueues;
  readonly secrets: Secrets;
}

/** Makes the state machines, and the functions that are their steps. */
export class Workflows extends Construct {
  readonly provisionFleet: Workflow;
  readonly terminateFleet: Workflow;

  constructor(scope: Construct, id: string, props: WorkflowsProps) {
    super(scope, id);
    const { stage, parameters, encryption, data, queues, secrets } = props;
    const step = (stepId: string, name: string) =>
      new AppFunction(this, stepId, {
        ...props,
        entry: `steps/${name}`,
        timeout: Duration.seconds(STEP_SECONDS),
      });

    const assign = step('Assign', 'assign');
    data.fleets.connect(assign, 'readWrite');
    data.access.connect(assign, 'read');
    queues.tellUrls(assign);
    secrets.writesSshKeys(assign);

    const settle = step('Settle', 'settle');
    data.fleets.connect(settle, 'readWrite');
    data.history.connect(settle, 'readWrite');

    const beginTermination = step('BeginTermination', 'begin-termination');
    data.fleets.connect(beginTermination, 'readWrite');
    data.access.connect(beginTermination, 'read');
    data.audit.connect(beginTermination, 'readPut', AUDIT_PARTITIONS);
    queues.tellUrls(beginTermination);

    const finishTermination = step('FinishTermination', 'finish-termination');
    data.fleets.connect(finishTermination, 'readWrite');
    secrets.removesSshKeys(finishTermination);

    this.terminateFleet = new Workflow(this, 'terminate-fleet', {
      stage,
      parameters,
      encryption,
      file: join(definitions, 'terminate-fleet.asl.json'),
      calls: {
        BeginTerminationFunctionArn: beginTermination,
        FinishTerminationFunctionArn: finishTermination,
      },
    });
    this.terminateFleet.connectStarter(settle, 'TERMINATE_FLEET_ARN');
    this.provisionFleet = new Workflow(this, 'provision-fleet', {
      stage,
      parameters,
      encryption,
      file: join(definitions, 'provision-fleet.asl.json'),
      calls: {
        AssignFunctionArn: assign,
        SettleFunctionArn: settle,
      },
    });
    for (const workflow of this.all) queues.allowSend(workflow);
  }

  get all(): readonly Workflow[] {
    return [this.provisionFleet, this.terminateFleet];
  }
}
