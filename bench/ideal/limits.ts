import type { CreateLimits } from './ideal-schedule.ts';

function limits(locations: number, instances: number, perSecond: number, burst: number): CreateLimits {
  return {
    locationSlots: locations,
    instanceSlotsPerLocation: instances,
    createsPerSecond: perSecond,
    createBurst: burst,
  };
}

/**
 * The default limits of the simulated clouds. They are repeated here, because the ideal schedule must not
 * depend on the code that it judges.
 */
export const SIMULATED_LIMITS: Readonly<Record<string, CreateLimits>> = {
  aws: limits(30, 20, 5, 20),
  azure: limits(30, 20, 4, 12),
  gcp: limits(30, 20, 6, 20),
  alibaba: limits(30, 20, 4, 10),
  tencent: limits(30, 20, 3, 10),
  ibm: limits(30, 20, 3, 8),
  ncp: limits(5, 15, 2, 5),
  openstack: limits(30, 20, 3, 10),
};
