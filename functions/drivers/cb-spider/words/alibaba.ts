import { meaning, quota, type WordRule } from './rule.ts';

/**
 * Words of Alibaba Cloud, as its Go SDK prints them (`ErrorCode: …`). Texts: public issues cloud-barista/cb-spider #660,
 * glasslion/aliyun-machine-learning-for-dummies #3, aliyun/aliyun-openapi-net-sdk #10; the error codes of ECS's
 * RunInstances and of VPC in Alibaba's API reference.
 */
export const ALIBABA: readonly WordRule[] = [
  meaning('Throttled', /Throttling(\.\w+)?|ServiceUnavailable\.Throttling|flow control/i),
  meaning(
    'InsufficientCapacity',
    /\bNoStock\b|OperationDenied\.NoStock|Zone\.NotOnSale|Zone\.NotOpen|ResourceNotAvailable|RegionUnauthorized\.NoStock|InvalidResourceType\.NotSupported|InvalidInstanceType\.ZoneNotSupported|The resource is out of (usage|stock)|InsufficientIpAddress|InvalidVSwitchId\.IpNotEnough/i,
  ),
  quota(
    'account',
    /NotEnoughBalance|InvalidAccountStatus\.\w+|Account\.Arrearage|AccountArrears|Arrearage|InsufficientBalance|InvalidPayMethod|not enough balance/i,
  ),
  quota('spot', /QuotaExceed(ed)?\.Spot\w*|Spot\w*(Instance)?Quota(Exceed|Limit)\w*/i),
  quota('vcpus', /vcpu quota .{0,60}?limited by user quota \[(?<limit>[0-9]+)\]/i),
  quota(
    'vcpus',
    /QuotaExceed(ed)?\.(ElasticQuota|AfterpayInstance|PostpaidInstance|PrepaidInstance|Vcpu)\b|vCPU quota exc/i,
  ),
  quota(
    'instances',
    /InstanceQuotaExceed\w*|QuotaExceed(ed)?\.(Instance|Vm)\w*|The maximum number of \S+ instances is exceeded/i,
  ),
  quota('addresses', /QuotaExceed(ed)?\.(Eip|PublicIp\w*|Eni\w*|NetworkInterface\w*|PrivateIp\w*)/i),
  quota(
    'networks',
    /QuotaExceed(ed)?\.(Vpc|VSwitch|SecurityGroup|RouteTable|NatGateway|KeyPair|SecurityGroupRule|Router\w*)\w*|(Vpc|VSwitch|KeyPair|SecurityGroup)(s)?Quota(LimitExceed|Exceed)\w*|SecurityGroupLimitExceed\w*|KeyPairsLimitExceeded/i,
  ),
  quota(
    'volumes',
    /QuotaExceed(ed)?\.(Disk|Volume|PortableCloudDisk|Snapshot)\w*|(Disk|UserDisk)\w*Quota(LimitExceed|Exceed)\w*|InstanceDiskCategoryLimitExceed|DiskCategory\w*LimitExceed\w*/i,
  ),
  quota('family', /QuotaExceed(ed)?(\.\w+)?|ImageNumberExceeded|InvalidQuota/i),
  meaning(
    'InvalidRequest',
    /InvalidTagCount|TagCountExceed|InvalidInstanceType\.(ValueNotSupported|ValueUnauthorized)|InvalidImageId|InvalidSystemDiskCategory|InvalidDiskSize|LimitExceed.{0,20}Tag|NumberExceed\.Tags/i,
  ),
];
