import type { StageNeeds } from '../../../../cli/shell/stage-needs.ts';

/** What a stage like production needs. */
export const STAGE_NEEDS: StageNeeds = {
  drivers: ['sim', 'cb-spider', 'openstack', 'aws'],
  driverConcurrency: 100,
  keepData: true,
};
