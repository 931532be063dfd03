import { type StageName, stageFromContext } from '../../infra/settings/config.ts';

/** The settings of a stage that determine concurrency and time limits of its workers. */
export interface DeployedStage {
  driverConcurrency: number;
  driverTimeoutMs: number;
  sweepIntervalMs: number;
}

/** Returns the settings with which a stage is deployed. */
export function deployedStage(name: StageName): DeployedStage {
  const stage = stageFromContext((key) => (key === 'stage' ? name : undefined));
  return {
    driverConcurrency: stage.driverConcurrency,
    driverTimeoutMs: stage.driverTimeoutSeconds * 1_000,
    sweepIntervalMs: stage.sweepIntervalMinutes * 60_000,
  };
}
