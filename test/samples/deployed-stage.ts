import { type StageName, stageFromContext } from '../../infra/settings/config.ts';

/** Of a stage, what decides how fast its workers go and how long they live. */
export interface DeployedStage {
  driverConcurrency: number;
  driverTimeoutMs: number;
  sweepIntervalMs: number;
}

/** A stage as it is deployed. */
export function deployedStage(name: StageName): DeployedStage {
  const stage = stageFromContext((key) => (key === 'stage' ? name : undefined));
  return {
    driverConcurrency: stage.driverConcurrency,
    driverTimeoutMs: stage.driverTimeoutSeconds * 1_000,
    sweepIntervalMs: stage.sweepIntervalMinutes * 60_000,
  };
}
