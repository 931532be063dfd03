import type { AwsAccount } from '../shell/aws-calls.ts';
import { AwsRefusal } from '../shell/aws-calls.ts';
import type { StageNeeds } from '../shell/stage-needs.ts';
import type { Deployment } from './find-deployment.ts';
import { figure, ok, type Probe, problem, warning } from './finding.ts';
import { listParameters } from './list-all.ts';

/** What the checks of an account are made for. */
export interface AccountChecks {
  account: AwsAccount;
  deployment: Deployment;
  needs: StageNeeds;
  /** Concurrency that the deployed event source mappings allow; undefined before a deploy. */
  deployedConcurrency: number | undefined;
}

/** Concurrent invocations of the API, of workflow steps and of schedules, in addition to those of drivers. */
export const OTHER_CONCURRENCY = 10;
/** Version of CDK's bootstrap stack that the templates require. */
const BOOTSTRAP_VERSION = 6;
const CLOCK_WARNING_MS = 60_000;
/** AWS refuses signatures whose time is further away than this. */
const CLOCK_LIMIT_MS = 5 * 60_000;
const TABLES = 5;
/** Default quota of tables in a region. */
const TABLE_QUOTA = 2_500;
/** Quota of standard parameters in a region. */
const PARAMETER_QUOTA = 10_000;
const PARAMETER_PAGES = 40;
const LISTED_TABLE_PAGES = 10;

/**
 * Services that a deployment uses, with the names that AWS's public list of services may have for them
 * (docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-global-infrastructure.html).
 */
const SERVICES: Readonly<Record<string, readonly string[]>> = {
  'API Gateway': ['apigateway', 'apigatewayv2'],
  CloudFormation: ['cloudformation'],
  CloudWatch: ['cloudwatch'],
  'CloudWatch Logs': ['logs', 'cloudwatchlogs', 'cloudwatch'],
  DynamoDB: ['dynamodb'],
  EventBridge: ['events', 'eventbridge', 'cloudwatchevents'],
  Lambda: ['lambda'],
  'Parameter Store': ['ssm', 'systems-manager'],
  SNS: ['sns'],
  SQS: ['sqs'],
  'Step Functions': ['stepfunctions', 'states', 'step-functions'],
};

/** Returns the checks of an account and region that matter before and after a deploy. */
export function accountProbes(checks: AccountChecks): Probe[] {
  return [
    clock(checks),
    region(checks),
    services(checks),
    bootstrap(checks),
    concurrency(checks),
    parameterCount(checks),
    tables(checks),
    ...(checks.needs.drivers.includes('aws') ? [spotRole(checks)] : []),
  ];
}

function clock({ account }: AccountChecks): Probe {
  return {
    id: 'clock',
    needed: `less than ${CLOCK_WARNING_MS / 1_000} s from AWS's clock; AWS refuses signatures that are ${CLOCK_LIMIT_MS / 60_000} minutes off`,
    async ask() {
      await account.call('sts:GetCallerIdentity', {});
      const aheadMs = account.clockAheadMs();
      if (aheadMs === undefined)
        return { status: 'unknown', found: 'not known: the answer had no Date header', whatToDo: '' };
      const seconds = Math.round(Math.abs(aheadMs) / 1_000);
      const found =
        seconds === 0
          ? 'less than 1 s off'
          : `this machine's clock is ${figure(seconds)} s ${aheadMs > 0 ? 'behind' : 'ahead'}`;
      const whatToDo = "Set this machine's clock, for example with NTP (`timedatectl set-ntp true`).";
      if (Math.abs(aheadMs) >= CLOCK_LIMIT_MS) return problem(found, whatToDo);
      return Math.abs(aheadMs) >= CLOCK_WARNING_MS ? warning(found, whatToDo) : ok(found);
    },
  };
}

function region({ account }: AccountChecks): Probe {
  return {
    id: 'region',
    needed: 'a region that is enabled for the account',
    async ask() {
      const { Regions = [] } = await account.call('ec2:DescribeRegions', {
        RegionNames: [account.region],
        AllRegions: true,
      });
      const status = Regions[0]?.OptInStatus;
      const found = `${account.region}: ${status ?? 'not listed'}`;
      if (status === 'opt-in-not-required' || status === 'opted-in') return ok(found);
      return problem(
        found,
        `Enable the region with \`aws account enable-region --region-name ${account.region}\`, or choose another with AWS_REGION.`,
      );
    },
  };
}

function services({ account }: AccountChecks): Probe {
  return {
    id: 'services',
    needed: `${Object.keys(SERVICES).length} services: ${Object.keys(SERVICES).join(', ')}`,
    async ask() {
      const listed = new Set<string>();
      const Path = `/aws/service/global-infrastructure/regions/${account.region}/services`;
      let token: string | undefined;
      do {
        const page = await account.call('ssm:GetParametersByPath', {
          Path,
          ...(token === undefined ? {} : { NextToken: token }),
        });
        for (const { Value } of page.Parameters ?? []) listed.add(Value ?? '');
        token = page.NextToken;
      } while (token !== undefined && token !== '');
      if (listed.size === 0) {
        return {
          status: 'unknown',
          found: `not known: the region does not have AWS's public list of services`,
          whatToDo: account.engineUrl
            ? ''
            : "Look for the services in AWS's list of regional services (https://aws.amazon.com/about-aws/global-infrastructure/regional-product-services/).",
        };
      }
      const missing = Object.entries(SERVICES)
        .filter(([, names]) => !names.some((name) => listed.has(name)))
        .map(([service]) => service);
      if (missing.length === 0) return ok(`all of them, among ${listed.size} services of the region`);
      return warning(
        `AWS's list of the region does not name ${missing.join(', ')}`,
        `Look for ${missing.join(', ')} in the console of ${account.region}. Choose another region if it is not there.`,
      );
    },
  };
}

function bootstrap({ account }: AccountChecks): Probe {
  const whatToDo = 'Run `npx cdk bootstrap` with rights to create roles and a bucket.';
  return {
    id: 'bootstrap',
    needed: `CDK's bootstrap stack, version ${BOOTSTRAP_VERSION} or newer`,
    async ask() {
      try {
        const { Parameter } = await account.call('ssm:GetParameter', {
          Name: '/cdk-bootstrap/hnb659fds/version',
        });
        const version = Number(Parameter?.Value);
        const found = `version ${Parameter?.Value ?? 'unknown'}`;
        return version >= BOOTSTRAP_VERSION ? ok(found) : problem(found, whatToDo);
      } catch (error) {
        if (error instanceof AwsRefusal && error.kind === 'absent') return problem('none', whatToDo);
        throw error;
      }
    },
  };
}

/** Returns the concurrency that all functions of a stage can use. */
export const concurrencyNeeded = ({ needs, deployedConcurrency }: AccountChecks): number =>
  (deployedConcurrency ?? needs.drivers.length * needs.driverConcurrency) + OTHER_CONCURRENCY;

function concurrency(checks: AccountChecks): Probe {
  const { account, needs, deployedConcurrency } = checks;
  const wanted = concurrencyNeeded(checks);
  const source = deployedConcurrency === undefined ? 'settings of the stage' : 'deployed event sources';
  return {
    id: 'lambda-concurrency',
    needed: `${figure(wanted)} concurrent invocations (${source}: ${needs.drivers.length} drivers; ${OTHER_CONCURRENCY} for API, steps and schedules)`,
    async ask() {
      const { AccountLimit } = await account.call('lambda:GetAccountSettings', {});
      const total = AccountLimit?.ConcurrentExecutions ?? 0;
      const free = AccountLimit?.UnreservedConcurrentExecutions ?? total;
      const found = `${figure(free)} unreserved of ${figure(total)} in the account`;
      if (free >= wanted) return ok(found);
      const whatToDo =
        'Request an increase of the quota "Concurrent executions" (lambda, L-B99A9384) in Service Quotas; new accounts have 10 or 50. Until then, deploy with `--parameters DriverConcurrency=…`.';
      // When Lambda throttles a driver's function, its messages are received without success, and go to the
      // dead-letter queue after ten receives.
      return free < Math.min(wanted, needs.driverConcurrency + OTHER_CONCURRENCY)
        ? problem(found, `${whatToDo} Launches would be throttled, and lost to the dead-letter queue.`)
        : warning(found, whatToDo);
    },
  };
}

function parameterCount({ account }: AccountChecks): Probe {
  return {
    id: 'parameter-count',
    needed: `room below ${figure(PARAMETER_QUOTA)} standard parameters: 1 for each connection and each fleet with a key of ours`,
    async ask() {
      const { names, isCut } = await listParameters(account, undefined, PARAMETER_PAGES);
      const found = `${isCut ? 'at least ' : ''}${figure(names.length)} parameters`;
      return names.length < PARAMETER_QUOTA * 0.9
        ? ok(found)
        : warning(found, 'Delete parameters that are not used, or deploy to another account or region.');
    },
  };
}

function tables({ account, deployment }: AccountChecks): Probe {
  return {
    id: 'table-quotas',
    needed: deployment.stack
      ? 'tables that may take 4,000 writes/s'
      : `${TABLES} more tables, each with 4,000 writes/s`,
    async ask() {
      const limits = await account.call('dynamodb:DescribeLimits', {});
      let count = 0;
      let last: string | undefined;
      for (let page = 0; page < LISTED_TABLE_PAGES; page += 1) {
        const answer = await account.call('dynamodb:ListTables', {
          ...(last === undefined ? {} : { ExclusiveStartTableName: last }),
        });
        count += answer.TableNames?.length ?? 0;
        last = answer.LastEvaluatedTableName;
        if (last === undefined) break;
      }
      const writes = limits.TableMaxWriteCapacityUnits ?? 0;
      const found = `${last === undefined ? '' : 'at least '}${figure(count)} tables; a table may take ${figure(writes)} writes/s`;
      if (!deployment.stack && count + TABLES > TABLE_QUOTA)
        return warning(found, 'Request more tables in Service Quotas (dynamodb), or delete tables.');
      return writes >= 4_000
        ? ok(found)
        : warning(found, 'Request an increase of the table-level write quota in Service Quotas (dynamodb).');
    },
  };
}

function spotRole({ account }: AccountChecks): Probe {
  const RoleName = 'AWSServiceRoleForEC2Spot';
  return {
    id: 'spot-role',
    needed: `the service-linked role ${RoleName}, for spot instances of AWS connections in this account`,
    async ask() {
      try {
        await account.call('iam:GetRole', { RoleName });
        return ok('it exists');
      } catch (error) {
        if (!(error instanceof AwsRefusal) || error.kind !== 'absent') throw error;
        return warning(
          'it does not exist',
          'Before spot instances are launched in this account, run `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`. Other AWS accounts with connections need it as well.',
        );
      }
    },
  };
}
