import { type StageName, stageFromContext } from '../../infra/settings/config.ts';

/** What a stage's stack uses of the account, as its settings say before it is deployed. */
export interface StageNeeds {
  drivers: readonly string[];
  /** Maximum number of concurrent invocations of one driver's function. */
  driverConcurrency: number;
  /** True if the tables stay when the stack is deleted. */
  keepData: boolean;
}

/** Reads a stage's settings, without CDK. */
export function stageNeeds(stage: StageName): StageNeeds {
  const { drivers, driverConcurrency, keepData } = stageFromContext((key) =>
    key === 'stage' ? stage : undefined,
  );
  return { drivers, driverConcurrency, keepData };
}
