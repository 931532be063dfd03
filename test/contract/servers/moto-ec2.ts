/**
 * Calls that list the resources that a run may leave in a region. Filters leave out default and
 * terminated resources.
 */
const LEFT = [
  ['DescribeInstances', 'instanceId', 'instance-state-name', 'pending', 'running', 'stopping', 'stopped'],
  ['DescribeVolumes', 'volumeId'],
  ['DescribeNetworkInterfaces', 'networkInterfaceId'],
  ['DescribeVpcs', 'vpcId', 'is-default', 'false'],
  ['DescribeSubnets', 'subnetId', 'default-for-az', 'false'],
  ['DescribeInternetGateways', 'internetGatewayId'],
  ['DescribeSecurityGroups', 'groupId', 'tag-key', 'fleetwright:deployment'],
  ['DescribeKeyPairs', 'keyName'],
  ['DescribeLaunchTemplates', 'launchTemplateId'],
] as const;

/**
 * Asks EC2 directly, without the driver.
 *
 * @returns the answer's text
 */
export async function askEc2(
  url: string,
  region: string,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=AKIDSUITE/20260101/${region}/ec2/aws4_request` },
    body: new URLSearchParams({ ...parameters, Version: '2016-11-15' }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`moto answered ${answer.status} to ${parameters['Action']}: ${text}`);
  return text;
}

/** Counts the resources that moto has in some regions. Default and terminated resources do not count. */
export async function countLeft(url: string, regions: readonly string[]): Promise<number> {
  let left = 0;
  for (const region of regions) {
    for (const [Action, id, filter, ...values] of LEFT) {
      const parameters: Record<string, string> = { Action };
      if (filter !== undefined) parameters['Filter.1.Name'] = filter;
      values.forEach((value, at) => {
        parameters[`Filter.1.Value.${at + 1}`] = value;
      });
      const text = await askEc2(url, region, parameters);
      left += new Set(text.match(new RegExp(`<${id}>[^<]+`, 'g'))).size;
    }
  }
  return left;
}
