import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';

export interface EngineClients {
  logs: CloudWatchLogsClient;
  sfn: SFNClient;
  close(): void;
}

/** Clients of the local engine, whatever account the environment names. */
export function openEngineClients(endpoint: string): EngineClients {
  const settings = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const logs = new CloudWatchLogsClient(settings);
  const sfn = new SFNClient(settings);
  return {
    logs,
    sfn,
    close() {
      logs.destroy();
      sfn.destroy();
    },
  };
}
