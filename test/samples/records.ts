import type { InstanceItem } from '../../functions/platform/store/instances.ts';

/**
 * Returns the record of an instance whose create call the cloud accepted. `fields` replaces fields of the
 * record.
 */
export function record(fields: Partial<InstanceItem> = {}): InstanceItem {
  return {
    instanceId: 'f0123456789abcdef-00000',
    fleetId: 'f0123456789abcdef',
    index: 0,
    namespace: 'default',
    nodeGroup: 'web',
    connectionKey: 'sim/default/sim-aws',
    location: 'us-east-1',
    status: 'Creating',
    round: 1,
    attempt: 1,
    tried: [],
    triedZones: [],
    launchToken: 'f0123456789abcdef-00000.1',
    launchState: 'accepted',
    claimUntilMs: 0,
    refusals: 0,
    firstSentAtMs: 0,
    deadlineAtMs: 1_200_000,
    launchedAt: new Date(0).toISOString(),
    microUsdPerHour: 96_000,
    ...fields,
  };
}
