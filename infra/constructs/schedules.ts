import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import {
  AUDIT_PARTITIONS_OF_RECONCILE,
  OPEN_ACT_PARTITIONS,
  PARTITIONS_OF_FINISH_CHANGES,
  VOLUME_PARTITIONS,
} from '../../functions/platform/store/partitions.ts';
import { HANDLERS } from '../settings/bundles.ts';
import { FINISH_CHANGES_MINUTES, SCHEDULED_SECONDS } from '../settings/times.ts';
import type { Data } from './data.ts';
import type { DriverQueues } from './driver-queue.ts';
import { AppFunction, type FunctionContext } from './function.ts';
import type { Secrets } from './secrets.ts';
import type { Workflows } from './workflows.ts';

export interface SchedulesProps extends FunctionContext {
  readonly data: Data;
  readonly queues: DriverQueues;
  readonly secrets: Secrets;
  readonly workflows: Workflows;
}

/**
 * Makes the scheduled functions. They watch poll loops, reconcile fleets, sync the inventory, sweep for orphans, and
 * finish interrupted API requests about namespaces and connections.
 */
export class Schedules extends Construct {
  readonly functions: readonly AppFunction[];

  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    const { parameters, data, queues, secrets, workflows } = props;

    const watch = this.#every(Duration.minutes(1), 'Watch', 'schedules/watch', props);
    data.governor.connect(watch, 'readWrite');
    queues.connectSender(watch);

    const reconcile = this.#every(Duration.minutes(1), 'Reconcile', 'schedules/reconcile', props);
    data.fleets.connect(reconcile, 'readWrite');
    data.audit.connect(reconcile, 'readPut', AUDIT_PARTITIONS_OF_RECONCILE);
    data.audit.connect(reconcile, 'delete', OPEN_ACT_PARTITIONS);
    secrets.keepsBeat(reconcile);
    workflows.provisionFleet.connectStarter(reconcile, 'PROVISION_FLEET_ARN');
    workflows.terminateFleet.connectStarter(reconcile, 'TERMINATE_FLEET_ARN');
    for (const workflow of [workflows.provisionFleet, workflows.terminateFleet]) {
      workflow.allowDescribeBy(reconcile);
    }

    const interval = Duration.minutes(parameters.inventoryIntervalMinutes);
    const inventory = this.#every(interval, 'Inventory', 'schedules/schedule-inventory', props);
    data.access.connect(inventory, 'read');
    queues.connectSender(inventory);

    const sweeps = Duration.minutes(parameters.sweepIntervalMinutes);
    const orphans = this.#every(sweeps, 'Orphans', 'schedules/schedule-sweeps', props);
    data.access.connect(orphans, 'read');
    queues.connectSender(orphans);

    const finish = this.#every(
      Duration.minutes(FINISH_CHANGES_MINUTES),
      'FinishChanges',
      'schedules/finish-changes',
      props,
    );
    data.access.connect(finish, 'readWrite', PARTITIONS_OF_FINISH_CHANGES.access);
    data.fleets.connect(finish, 'read');
    data.fleets.connect(finish, 'put', PARTITIONS_OF_FINISH_CHANGES.fleets);
    data.fleets.connect(finish, 'delete', VOLUME_PARTITIONS);
    data.catalogue.connect(finish, 'readWrite');
    secrets.removesCredentials(finish);

    this.functions = [watch, reconcile, inventory, orphans, finish];
  }

  #every(interval: Duration, id: string, entry: string, context: FunctionContext): AppFunction {
    const scheduled = new AppFunction(this, id, {
      ...context,
      entry,
      timeout: Duration.seconds(SCHEDULED_SECONDS),
    });
    new Rule(this, `${id}Rule`, {
      description: `${HANDLERS}/${entry}`,
      schedule: Schedule.rate(interval),
      targets: [new LambdaFunction(scheduled.lambda)],
    });
    return scheduled;
  }
}
