import { meaning, quota, type WordRule } from './rule.ts';

const FIGURES =
  /.*?(?:Current Limit|Maximum allowed): (?<limit>[0-9]+),? ?(?:\(Minimum\))?.*?(?:Current Usage|Current in use): (?<used>[0-9]+),.*?(?:Additional Required|Additional requested): (?<requested>[0-9]+)/
    .source;

/**
 * Words of Azure's resource manager, as its Go SDK prints them (`ERROR CODE: …`). Texts: public issues
 * cloud-barista/cb-spider #1558, openshift/release #12840, hashicorp/terraform #10056, nforgeio/neonKUBE #1671,
 * Azure/karpenter-provider-azure #892, coreos/tectonic-installer #1454; codes: Azure's pages "Resolve errors for
 * resource quotas" and "Troubleshoot allocation failures".
 */
export const AZURE: readonly WordRule[] = [
  meaning(
    'Throttled',
    /TooManyRequests|SubscriptionRequestsThrottled|OperationGroupQuotaExceeded|RetryableErrorDueToAnotherOperation|number of (write|read|delete) requests for subscription/i,
  ),
  meaning(
    'InsufficientCapacity',
    /(Overconstrained)?(Zonal)?AllocationFail(ed|ure)|Overconstrained(Zonal)?AllocationRequest|SkuNotAvailable|AllocationTimeout|ZonalSkuNotAvailable|FabricClusterCapacityExceeded/i,
  ),
  quota('spot', new RegExp(`exceeding approved (?:LowPriorityCores|Spot\\b.{0,40}) quota${FIGURES}`, 'is')),
  quota('spot', /exceeding approved (LowPriorityCores|Spot\b.{0,40}) quota/i),
  quota(
    'vcpus',
    new RegExp(
      `exceeding (?:approved Total Regional Cores quota|quota limits? of Cores?\\b)${FIGURES}`,
      'is',
    ),
  ),
  quota('vcpus', /exceeding (approved Total Regional Cores quota|quota limits? of Cores?\b)/i),
  quota('family', new RegExp(`exceeding approved \\S+Family Cores quota${FIGURES}`, 'is')),
  quota('family', /exceeding approved .{1,60}?quota/i),
  quota(
    'addresses',
    /PublicIP\w*(Count)?LimitReached|StaticPublicIPCountLimitReached|Cannot create more than (?<limit>[0-9]+) public IP addresses|NetworkInterface(Count)?LimitReached|resource type 'public IP count' was exceeded/i,
  ),
  quota(
    'networks',
    /(VirtualNetwork|Subnet|NetworkSecurityGroup|RouteTable|SecurityRule|SSHPublicKey)s?(Count)?(LimitReached|LimitExceeded|QuotaExceeded)|ResourceGroupQuotaExceeded/i,
  ),
  quota(
    'volumes',
    /(Managed)?Disks?(Count)?(LimitReached|LimitExceeded|QuotaExceeded)|PremiumDiskCountExceeded|\bMaxStorageAccountsCountPerSubscriptionExceeded/i,
  ),
  meaning(
    'InvalidRequest',
    /TagCountExceeded|MaxTagsExceeded|InvalidTagName|ImageNotFound|PlatformImageNotFound|InvalidImageReference|DiskSizeTooSmall|OSProvisioningClientError|VMMarketplaceInvalidInput|ResourcePurchaseValidationFailed/i,
  ),
];
