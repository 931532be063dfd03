import { table } from '../../cli/shell/table.ts';
import type { ReportLine } from '../../demo/run/report.ts';
import { type PhaseCounts, usdPer1000 } from '../measure/cost.ts';
import type { Phases } from './run.ts';

export const PRICES =
  'AWS list prices of us-east-1 without free tier, as of June 2026; sources: infra/prices.ts';
const METHOD = [
  'Cloud calls are those that the simulated clouds counted. Units, invocations and log volume are from the functions’',
  'logs. The API’s functions are counted only until the fleets are created. Transitions are from execution',
  'histories. SQS requests are the counted sends, and a receive and a delete for each batch; empty receives are left',
  'out. Lambda time is an estimate from this machine.',
];

const COUNTS = [
  ['cloud calls', 'cloudCalls'],
  ['DynamoDB read units', 'readUnits'],
  ['DynamoDB write units', 'writeUnits'],
  ['SQS requests', 'sqsRequests'],
  ['state transitions', 'transitions'],
  ['Lambda invocations', 'invocations'],
] as const satisfies readonly (readonly [string, keyof PhaseCounts])[];

export function benchDocument(line: ReportLine, { launch, terminate }: Phases) {
  return {
    ...line,
    launch: phaseDocument(launch),
    terminate: phaseDocument(terminate),
    prices: PRICES,
    method: METHOD.join(' '),
  };
}

function phaseDocument(counts: PhaseCounts) {
  const usd = Object.entries(usdPer1000(counts)).map(([name, value]) => [name, rounded(value, 5)]);
  return {
    ...Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, rounded(value, 3)])),
    perInstance: Object.fromEntries(COUNTS.map(([, key]) => [key, rounded(each(counts, key), 3)])),
    usdPer1000Instances: Object.fromEntries(usd),
  };
}

export function benchText(line: ReportLine, { launch, terminate }: Phases): string {
  const [up, gone] = [usdPer1000(launch), usdPer1000(terminate)];
  const schedule = table(
    ['asked', 'running', 'makespan s', 'ideal s', 'ratio', 'throttled'],
    [[line.requested, line.running, line.makespanSeconds, line.idealSeconds, line.ratio, line.throttled]],
  );
  const counts = table(
    ['per instance', 'launch', 'terminate'],
    COUNTS.map(([name, key]) => [name, each(launch, key).toFixed(2), each(terminate, key).toFixed(2)]),
  );
  const money = table(
    ['$ per 1,000 instances', 'launch', 'terminate'],
    [
      ['DynamoDB', up.dynamodb, gone.dynamodb],
      ['SQS', up.sqs, gone.sqs],
      ['Step Functions', up.stepFunctions, gone.stepFunctions],
      ['Lambda requests', up.lambdaRequests, gone.lambdaRequests],
      ['Lambda time (estimate)', up.lambdaTimeEstimate, gone.lambdaTimeEstimate],
      ['CloudWatch Logs', up.logs, gone.logs],
      ['all', up.total, gone.total],
    ].map(([name, ...usd]) => [name, ...usd.map((value) => Number(value).toFixed(4))]),
  );
  return [schedule, counts, money, `${PRICES}\n${METHOD.join('\n')}\n`].join('\n');
}

function each(counts: PhaseCounts, key: keyof PhaseCounts): number {
  return counts.instances === 0 ? 0 : counts[key] / counts.instances;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
