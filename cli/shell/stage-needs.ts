import { type StageName, stageFromContext } from '../../infra/settings/config.ts';

/** What a stage's stack uses of the account, as its settings say before it is deployed. */
export interface StageNeeds {
  drivers: readonly string[];
  /** Maximum number of concurrent invocations of one driver's function. */
  driverConcurrency: number;
}

/** Reads a stage's settings, without CDK. */
export function stageNeeds(stage: StageName): StageNeeds {
  const { drivers, driverConcurrency } = stageFromContext((key) => (key === 'stage' ? stage : undefined));
  return { drivers, driverConcurrency };
}
