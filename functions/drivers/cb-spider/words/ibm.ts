import { meaning, quota, type WordRule } from './rule.ts';

/**
 * Words of IBM Cloud VPC. Texts: public issues IBM-Cloud/terraform-provider-ibm #1693 and #2564,
 * IBMSpectrumComputing/cloud-provider-plugins #26, canonical/pycloudlib #375; the error codes of the VPC API reference.
 */
export const IBM: readonly WordRule[] = [
  meaning('Throttled', /rate_limit_exceeded|\btoo_many_requests\b|exceeded the (request )?rate limit/i),
  meaning(
    'InsufficientCapacity',
    /over_capacity|cannot_start_(capacity|compute|ip_address|network|storage)|insufficient[ _]capacity|no_capacity|(does not|not) have (enough|sufficient) capacity|insufficient_address|out of (available )?(capacity|addresses)/i,
  ),
  // IBM's codes name the resource before or after the word quota.
  quota(
    'networks',
    /(vpc|subnet|security_group|acl|public_gateway|routing_table|key|ssh_key|rule)s?[_ ](over_)?quota|over_quota.{0,120}\b(vpc|subnet|security group|rule|network acl|gateway|key)s?\b/i,
  ),
  quota(
    'addresses',
    /floating_?ips?[_ ](over_)?quota|over_quota.{0,120}(floating ip|network interface)|(network_interface|interface|virtual_network_interface)s?[_ ](over_)?quota/i,
  ),
  quota(
    'volumes',
    /volumes?[_ ](over_)?quota|over_quota.{0,120}(volume|storage)|(volume|boot_volume)s?_(capacity_)?quota/i,
  ),
  quota('instances', /instances?[_ ](over_)?quota|over_quota.{0,120}\b(instances?|virtual server)/i),
  quota('vcpus', /(vcpu|cpu|core)s?[_ ](over_)?quota|over_quota.{0,120}\b(v?cpus?|cores?)\b/i),
  quota('memoryGb', /(memory|ram)[_ ](over_)?quota|over_quota.{0,120}\b(memory|ram)\b/i),
  quota('family', /over_quota|exceeds? (the )?quota|quota_exceeded|insufficient_quota/i),
];
