import { meaning, quota, type WordRule } from './rule.ts';

/**
 * Words of NCP, NHN Cloud and KT Cloud. NHN and KT also answer with OpenStack's words. Texts: public issues
 * cloud-barista/cb-spider #1035 (NCP), and CB-Spider's own check for KT's single VPC.
 */
export const KOREAN: readonly WordRule[] = [
  meaning('Throttled', /Too Many Requests|API (call|request) (limit|rate)|rate limit/i),
  meaning(
    'InsufficientCapacity',
    /(server|resource|stock|capacity)s? (is|are) (insufficient|sold ?out|not enough)|insufficient (server )?resources?|lack of (server )?resources|재고(가)? ?부족|자원(이)? ?부족/i,
  ),
  quota(
    'networks',
    /can have only 1 VPC|(VPC|subnet|ACG|access control group|login key|route table).{0,40}You can no longer create|You can no longer create (a |an )?(VPC|subnet|ACG|product)|(VPC|subnet|ACG|access control group)s?.{0,40}(exceed(s|ed)?|maximum) (the )?(limit|number|quota)/i,
  ),
  quota('addresses', /(public|floating) ?ips?.{0,40}(exceed(s|ed)?|maximum) (the )?(limit|number|quota)/i),
  quota(
    'volumes',
    /(block storage|volume|disk)s?.{0,40}(exceed(s|ed)?|maximum) (the )?(limit|number|quota)/i,
  ),
  quota(
    'instances',
    /(servers?|instances?|vms?).{0,40}(exceed(s|ed)?|maximum) (the )?(limit|number|quota)|생성 ?한도(를)? ?초과/i,
  ),
  quota(
    'account',
    /(unpaid|overdue) (fee|charge|bill)|payment (method|means) (is )?(not registered|required)|결제 ?수단/i,
  ),
];
