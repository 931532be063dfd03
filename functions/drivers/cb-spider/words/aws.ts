import { meaning, quota, type WordRule } from './rule.ts';

/**
 * Words of EC2, as AWS's Go SDK prints them (`VcpuLimitExceeded: …`). The codes are those of "Error codes for the Amazon
 * EC2 API"; `functions/drivers/aws/errors.ts` has the same meanings for driver aws.
 */
export const AWS: readonly WordRule[] = [
  meaning(
    'InvalidRequest',
    /\b(Tag|Filter|CapacityBlockDescribe)LimitExceeded\b|\b(Request)?ResourceCountExceeded\b|\b(SecurityGroupsPer(Instance|Interface)|RulesPerSecurityGroup|Route|AttachmentLimit)LimitExceeded\b/,
    'launch',
  ),
  meaning(
    'Throttled',
    /\bRequestLimitExceeded\b|\bThrottling(Exception)?\b|\bSlowDown\b|BandwidthLimitExceeded/,
  ),
  meaning(
    'InsufficientCapacity',
    /\bInsufficient\w*(Capacity|CapacityOnHost)\b|\bUnfulfillableCapacity\b|\bReservationCapacityExceeded\b|\bInsufficientReservedInstancesCapacity\b|\b(Unavailable|Incompatible)HostRequirements\b|\bVolumeTypeNotAvailableInZone\b|\bInsufficientFreeAddressesInSubnet\b|\bSpotMaxPriceTooLow\b/,
  ),
  quota('spot', /\bMaxSpotInstanceCountExceeded\b/),
  quota('family', /\bVcpuLimitExceeded\b(?:.{0,80}?vCPU limit of (?<limit>[0-9]+))?/),
  quota('family', /\bInstanceLimitExceeded\b/),
  quota('addresses', /\b(Address|NetworkInterface|PrivateIpAddress)LimitExceeded\b/),
  quota(
    'networks',
    /\b(Vpc|Subnet|InternetGateway|NatGateway|RouteTable|SecurityGroup|KeyPair|LaunchTemplate|CarrierGateway|EgressOnlyInternetGateway)LimitExceeded\b/,
  ),
  quota('volumes', /\b(Volume|Snapshot|MaxIOPS|Disk)LimitExceeded\b/),
];
