import * as z from 'zod';
import { plainText } from '../../functions/model/plain-text.ts';
import type { AwsAccount } from '../shell/aws-calls.ts';
import type { Deployment } from './find-deployment.ts';
import { figure, ok, type Probe, problem, warning } from './finding.ts';
import type { StackResource } from './list-all.ts';

/** What the checks of a deployed stack ask. */
export interface DeployedChecks {
  account: AwsAccount;
  deployment: Deployment;
  resources: readonly StackResource[];
  /** Version of this command. */
  version: string;
  nowMs: number;
  /** Returns the URL at which the API is reached. A local engine has another one than the stack's output. */
  apiUrl(): Promise<string>;
  fetch: typeof fetch;
}

const API_TIMEOUT_MS = 10_000;
const LOG_HOURS = 24;
const LOG_PAGES = 5;
const MAX_MESSAGE = 200;

/** Returns the checks of a stack that is deployed. */
export function deployedProbes(checks: DeployedChecks): Probe[] {
  return [
    stack(checks),
    version(checks),
    deadLetters(checks),
    alarms(checks),
    api(checks),
    driverErrors(checks),
  ];
}

function stack({ deployment, account }: DeployedChecks): Probe {
  return {
    id: 'stack',
    needed: 'a stack whose latest deploy is complete, without drift',
    ask() {
      const { name, stage, stack: one } = deployment;
      const status = one?.StackStatus ?? 'unknown';
      const drift = one?.DriftInformation?.StackDriftStatus ?? 'NOT_CHECKED';
      const found = `${status}; drift: ${drift}`;
      const deploy = `npx cdk deploy -c stage=${stage}`;
      if (/^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)) {
        if (drift === 'DRIFTED')
          return Promise.resolve(
            warning(
              found,
              `Resources were changed outside of the stack. Run \`${deploy}\` after you have looked at them.`,
            ),
          );
        const isUnprotected = stage === 'production' && one?.EnableTerminationProtection === false;
        if (isUnprotected && account.engineUrl === undefined)
          return Promise.resolve(
            warning(`${found}; no termination protection`, `Run \`${deploy}\`, which turns it on.`),
          );
        return Promise.resolve(ok(found));
      }
      if (/_IN_PROGRESS$/.test(status))
        return Promise.resolve(warning(found, 'Wait until the deploy has ended, then check again.'));
      return Promise.resolve(
        problem(
          `${found}${one?.StackStatusReason ? `: ${plainText(one.StackStatusReason).slice(0, MAX_MESSAGE)}` : ''}`,
          `Read the events of the stack ${name} in the CloudFormation console, then run \`${deploy}\`.`,
        ),
      );
    },
  };
}

function version({ deployment, version: own }: DeployedChecks): Probe {
  return {
    id: 'version',
    needed: `${own}, the version of this command`,
    ask() {
      const deployed = deployment.outputs['Version'];
      const found = deployed ?? 'older: the stack names no version';
      return Promise.resolve(
        deployed === own
          ? ok(found)
          : warning(
              found,
              `Run \`npx cdk deploy -c stage=${deployment.stage}\`, or use the command of that version.`,
            ),
      );
    },
  };
}

const urlsSchema = z.record(z.string(), z.string());

function deadLetters({ account, deployment }: DeployedChecks): Probe {
  return {
    id: 'dead-letters',
    needed: 'no message in any dead-letter queue',
    async ask() {
      const urls = urlsSchema.parse(JSON.parse(deployment.outputs['DeadLetterQueueUrls'] ?? '{}'));
      const counts = await Promise.all(
        Object.entries(urls).map(async ([driver, QueueUrl]) => {
          const { Attributes } = await account.call('sqs:GetQueueAttributes', {
            QueueUrl,
            AttributeNames: ['ApproximateNumberOfMessages'],
          });
          return [driver, Number(Attributes?.['ApproximateNumberOfMessages'] ?? 0)] as const;
        }),
      );
      const full = counts.filter(([, count]) => count > 0);
      if (full.length === 0) return ok(`none in ${counts.length} queues`);
      return problem(
        full.map(([driver, count]) => `${driver}: ${figure(count)}`).join(', '),
        'Read the log of the driver (check `driver-errors`), mend the cause, then start a redrive of the queue in the SQS console.',
      );
    },
  };
}

function alarms({ account, deployment }: DeployedChecks): Probe {
  return {
    id: 'alarms',
    needed: 'no alarm that is on',
    async ask() {
      const { MetricAlarms = [] } = await account.call('cloudwatch:DescribeAlarms', {
        AlarmNamePrefix: `${deployment.name}-`,
        AlarmTypes: ['MetricAlarm'],
        MaxRecords: 100,
      });
      const on = MetricAlarms.filter(({ StateValue }) => StateValue === 'ALARM');
      if (on.length === 0) return ok(`none of ${MetricAlarms.length}`);
      return problem(
        on.map(({ AlarmName }) => AlarmName).join(', '),
        on
          .map(({ AlarmName, AlarmDescription = '' }) => `${AlarmName}: ${plainText(AlarmDescription)}`)
          .join(' '),
      );
    },
  };
}

function api({ apiUrl, fetch: ask }: DeployedChecks): Probe {
  return {
    id: 'api',
    needed: 'the API answers a request without a key with 401',
    async ask() {
      const whatToDo =
        'Read the log of the API (log group of the function `api-access`), and check that this machine reaches the URL.';
      let url = '';
      try {
        url = await apiUrl();
        const answer = await ask(`${url.replace(/\/+$/, '')}/v1/namespaces`, {
          signal: AbortSignal.timeout(API_TIMEOUT_MS),
          redirect: 'manual',
        });
        const isOurs = answer.headers.get('www-authenticate')?.includes('realm="fleetwright"') ?? false;
        const found = `${url} answers with ${answer.status}`;
        return answer.status === 401 && isOurs ? ok(found) : problem(found, whatToDo);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return problem(
          `${url || 'the API'} does not answer: ${plainText(why).slice(0, MAX_MESSAGE)}`,
          whatToDo,
        );
      }
    },
  };
}

const lineSchema = z.looseObject({
  level: z.string(),
  message: z.string(),
  error: z.looseObject({ message: z.string() }).optional(),
});

/** Returns the text of a log line that tells an error; undefined for other lines. */
export function errorText(line: string): string | undefined {
  if (/Task timed out|Runtime exited/.test(line)) return plainText(line.trim()).slice(0, MAX_MESSAGE);
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    // Lambda's own lines are not JSON.
    return undefined;
  }
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success || parsed.data.level !== 'error') return undefined;
  const { message, error } = parsed.data;
  return plainText(error ? `${message}: ${error.message}` : message).slice(0, MAX_MESSAGE);
}

function driverErrors({ account, resources, nowMs }: DeployedChecks): Probe {
  return {
    id: 'driver-errors',
    needed: `no error in the logs of the drivers' functions in ${LOG_HOURS} hours`,
    async ask() {
      const groups = resources
        .filter(
          ({ type, physicalId }) => type === 'AWS::Logs::LogGroup' && /\/drivers-[a-z-]+$/.test(physicalId),
        )
        .map(({ physicalId }) => physicalId);
      const errors = await Promise.all(groups.map((group) => lastError(account, group, nowMs)));
      const told = errors.filter((one) => one !== undefined);
      if (told.length === 0) return ok(`none in ${groups.length} logs`);
      return warning(
        told.map(({ group, text, count }) => `${group}: ${count}, the last: ${text}`).join('; '),
        `Read the log, for example with \`aws logs tail ${told[0]?.group} --since ${LOG_HOURS}h --filter-pattern error\`.`,
      );
    },
  };
}

async function lastError(
  account: AwsAccount,
  group: string,
  nowMs: number,
): Promise<{ group: string; text: string; count: number } | undefined> {
  let last: string | undefined;
  let count = 0;
  let token: string | undefined;
  for (let page = 0; page < LOG_PAGES; page += 1) {
    const answer = await account.call('logs:FilterLogEvents', {
      logGroupName: group,
      startTime: nowMs - LOG_HOURS * 3_600_000,
      filterPattern: '?error ?"Task timed out" ?"Runtime exited"',
      ...(token === undefined ? {} : { nextToken: token }),
    });
    for (const { message = '' } of answer.events ?? []) {
      const text = errorText(message);
      if (text === undefined) continue;
      last = text;
      count += 1;
    }
    token = answer.nextToken;
    if (token === undefined || token === '') break;
  }
  return last === undefined ? undefined : { group, text: last, count };
}
