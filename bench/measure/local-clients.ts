import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type EngineAccess, engineSettings } from '../../local/index.ts';

export interface EngineClients {
  logs: CloudWatchLogsClient;
  sfn: SFNClient;
  close(): void;
}

/** Opens clients of the local engine. AWS settings in the environment have no effect on these clients. */
export function openEngineClients(engine: EngineAccess): EngineClients {
  const settings = engineSettings(engine);
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
