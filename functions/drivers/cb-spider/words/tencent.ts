import { meaning, quota, type WordRule } from './rule.ts';

/**
 * Words of Tencent Cloud, as its Go SDK prints them (`[TencentCloudSDKError] Code=…`). Texts: public issue
 * cloud-barista/cb-spider #1278; the error codes that Tencent's SDK lists for CVM (20170312) and VPC.
 */
export const TENCENT: readonly WordRule[] = [
  meaning('Throttled', /RequestLimitExceeded(\.\w+)?|FailedOperation\.TooManyRequests|\bThrottled?\b/i),
  meaning(
    'InsufficientCapacity',
    /ResourceInsufficient(\.\w+)?|ResourcesSoldOut(\.\w+)?|ResourceUnavailable\.\w*SoldOut|InvalidCloudDiskSoldOut|InsufficientOffering|NoAvailableIpAddressCountInSubnet|ResourceUnavailable\.InstanceType|InsufficientClusterQuota/i,
  ),
  meaning(
    'InvalidRequest',
    /LimitExceeded\.(\w*Tag\w*|TagResourceQuota)|InvalidFilterValue\.LimitExceeded|InvalidFilter\b|LimitExceeded\.(SingleUSGQuota|AssociateUSGLimitExceeded|CvmsVifsPerVif\w*|UserReturnQuota)/i,
  ),
  quota(
    'account',
    /InvalidAccount\.(InsufficientBalance|UnpaidOrder)|Arrears|BlockBalance|balance of account is not enough/i,
  ),
  quota('spot', /LimitExceeded\.(UserSpotQuota|SpotQuota)/i),
  quota(
    'instances',
    /InstancesQuotaLimitExceeded|LimitExceeded\.(CvmInstanceQuota|InstanceQuota|InstanceTypeQuota\b|PrepayQuota|PurchaseQuota)/i,
  ),
  quota(
    'addresses',
    /AddressQuotaLimitExceeded|LimitExceeded\.(Eni\w*|Eip\w*|Address\w*|PublicIp\w*|NetworkInterface\w*)/i,
  ),
  quota(
    'networks',
    /LimitExceeded\.(Vpc\w*|Subnet\w*|SecurityGroup\w*|RouteTable\w*|NatGateway\w*|KeyPair\w*)|InvalidKeyPair\.LimitExceeded|VpcLimitExceeded|SubnetLimitExceeded/i,
  ),
  quota('volumes', /LimitExceeded\.(CloudDisk\w*|Disk\w*|Snapshot\w*)|(Insufficient)?DiskQuota\w*/i),
  quota('family', /Code=LimitExceeded(\.\w+)?|ImageQuotaLimitExceeded/i),
];
