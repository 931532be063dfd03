import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import project from '../../package.json' with { type: 'json' };
import { Alarms } from '../constructs/alarms.ts';
import { Api } from '../constructs/api.ts';
import { AuditExport } from '../constructs/audit-export.ts';
import { Data } from '../constructs/data.ts';
import { DeploymentId } from '../constructs/deployment-id.ts';
import { DriverQueues } from '../constructs/driver-queue.ts';
import { Drivers } from '../constructs/drivers.ts';
import { Encryption } from '../constructs/encryption.ts';
import { Schedules } from '../constructs/schedules.ts';
import { Secrets } from '../constructs/secrets.ts';
import { Workflows } from '../constructs/workflows.ts';
import type { Bundles } from '../settings/bundles.ts';
import type { Stage } from '../settings/config.ts';
import { Parameters } from '../settings/parameters.ts';

export interface FleetwrightStackProps {
  readonly stage: Stage;
  readonly bundles: Bundles;
}

/** Makes all AWS resources of one stage. */
export class FleetwrightStack extends Stack {
  constructor(scope: Construct, id: string, { stage, bundles }: FleetwrightStackProps) {
    super(scope, id, {
      description: `Fleetwright, stage ${stage.name}`,
      terminationProtection: stage.keepData,
    });
    Tags.of(this).add('application', 'fleetwright');
    Tags.of(this).add('stage', stage.name);

    const parameters = new Parameters(this, 'Parameters', { stage });
    const encryption = new Encryption(this, 'Encryption', { stage });
    const data = new Data(this, 'Data', { stage, encryption });
    const deploymentId = new DeploymentId(this, 'Deployment', {
      stage,
      parameters,
      bundles,
      encryption,
      data,
    });
    const secrets = new Secrets(this, 'Secrets', { stage, encryption });
    const queues = new DriverQueues(this, 'Queues', { stage, encryption });
    const parts = { stage, parameters, bundles, encryption, deploymentId, data, queues, secrets };

    const workflows = new Workflows(this, 'Workflows', parts);
    new Drivers(this, 'Drivers', { ...parts, workflows });
    const api = new Api(this, 'Api', { ...parts, workflows });
    const schedules = new Schedules(this, 'Schedules', { ...parts, workflows });
    const auditExport =
      stage.auditExport === 'none' ? undefined : new AuditExport(this, 'AuditExport', parts);
    const alarms = new Alarms(this, 'Alarms', {
      stage,
      parameters,
      encryption,
      queues,
      workflows,
      http: api.http,
      scheduled: schedules.functions,
      auditExport: auditExport?.function,
    });

    const outputs: Record<string, string> = {
      // `fleetwright deployment check` compares this version with its own.
      Version: project.version,
      ApiUrl: api.http.apiEndpoint,
      ...(api.iamHttp ? { IamApiUrl: api.iamHttp.apiEndpoint } : {}),
      DeploymentId: deploymentId.value,
      SecretsPrefix: secrets.prefix,
      FleetsTable: data.fleets.table.tableName,
      GovernorTable: data.governor.table.tableName,
      CatalogueTable: data.catalogue.table.tableName,
      AccessTable: data.access.table.tableName,
      HistoryTable: data.history.table.tableName,
      AuditTable: data.audit.table.tableName,
      QueueUrls: this.toJsonString(queues.urls),
      DeadLetterQueueUrls: this.toJsonString(queues.deadLetterUrls),
      ProvisionFleetArn: workflows.provisionFleet.machine.stateMachineArn,
      TerminateFleetArn: workflows.terminateFleet.machine.stateMachineArn,
      ...(auditExport ? { AuditBucket: auditExport.bucket.bucketName } : {}),
      ...(alarms.topic ? { AlarmTopicArn: alarms.topic.topicArn } : {}),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
