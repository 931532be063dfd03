import type { AwsAccount } from '../shell/aws-calls.ts';

export interface StackResource {
  logicalId: string;
  type: string;
  physicalId: string;
  status: string;
}

/** Lists all resources of a stack. */
export async function listResources(account: AwsAccount, stackName: string): Promise<StackResource[]> {
  const resources: StackResource[] = [];
  let token: string | undefined;
  do {
    const page = await account.call('cloudformation:ListStackResources', {
      StackName: stackName,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    for (const one of page.StackResourceSummaries ?? []) {
      resources.push({
        logicalId: one.LogicalResourceId ?? '',
        type: one.ResourceType ?? '',
        physicalId: one.PhysicalResourceId ?? '',
        status: one.ResourceStatus ?? '',
      });
    }
    token = page.NextToken;
  } while (token !== undefined);
  return resources;
}

/**
 * Lists the names of parameters, without their values.
 *
 * @param prefix what the names begin with; undefined lists all parameters of the region
 * @param maxPages maximum number of pages of 50 names to read
 * @returns the names, and whether there may be more of them
 */
export async function listParameters(
  account: AwsAccount,
  prefix: string | undefined,
  maxPages = Number.POSITIVE_INFINITY,
): Promise<{ names: string[]; isCut: boolean }> {
  const names: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await account.call('ssm:DescribeParameters', {
      MaxResults: 50,
      ...(prefix === undefined
        ? {}
        : { ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: [prefix] }] }),
      ...(token === undefined ? {} : { NextToken: token }),
    });
    names.push(...(answer.Parameters ?? []).flatMap(({ Name }) => Name ?? []));
    token = answer.NextToken;
    if (token === undefined || token === '') return { names: keep(names, prefix), isCut: false };
  }
  return { names: keep(names, prefix), isCut: true };
}

/** An engine may ignore the filter. A name that does not begin with the prefix must never be deleted. */
const keep = (names: readonly string[], prefix: string | undefined): string[] =>
  prefix === undefined ? [...names] : names.filter((name) => name.startsWith(prefix));
