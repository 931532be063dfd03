import type { LimitProfile } from './limit-profile.ts';
import type { LimitSource } from './limit-source.ts';

/** Rate of an action of EC2 that changes something, if the documentation does not name another one. */
const MUTATING = { perSecond: 5, burst: 50 };

const ACTIONS: NonNullable<LimitProfile['actions']> = {
  // DescribeInstances by ids has neither a filter nor a page, and the lower of the two published rates.
  'ec2:DescribeInstances': { calls: { perSecond: 10, burst: 50 } },
  'ec2:TerminateInstances': {
    calls: { perSecond: 5, burst: 100 },
    instances: { perSecond: 20, burst: 1_000 },
  },
  'ec2:StopInstances': { calls: MUTATING, instances: { perSecond: 20, burst: 1_000 } },
  'ec2:StartInstances': { calls: { perSecond: 2, burst: 5 }, instances: { perSecond: 2, burst: 1_000 } },
  'ec2:RebootInstances': { calls: MUTATING },
  'ec2:CreateTags': { calls: { perSecond: 10, burst: 100 } },
  'ec2:CreateVpc': { calls: MUTATING },
  'ec2:CreateSubnet': { calls: MUTATING },
  'ec2:CreateSecurityGroup': { calls: MUTATING },
  'ec2:AuthorizeSecurityGroupIngress': { calls: MUTATING },
  'ec2:ImportKeyPair': { calls: MUTATING },
  'ssm:PutParameter': { calls: { perSecond: 3, burst: 3 } },
};

/**
 * What EC2 meters in a region of an account. It has no slots. Every action has buckets of its own. The actions that are
 * not named here share one bucket of each kind, which is the smallest of their published ones.
 */
export const EC2_PROFILE: LimitProfile = {
  calls: {
    create: { perSecond: 2, burst: 5 },
    list: { perSecond: 10, burst: 50 },
    mutate: MUTATING,
  },
  instances: { perSecond: 2, burst: 1_000 },
  actions: ACTIONS,
  reserve: 0.1,
  pacing: 'burst',
};

/** What a support case yields at once: at most three times the present refill. Capacity is raised after that. */
export const EC2_GRANTED_PROFILE: LimitProfile = {
  ...EC2_PROFILE,
  calls: { ...EC2_PROFILE.calls, create: { perSecond: 6, burst: 15 }, list: { perSecond: 30, burst: 150 } },
  instances: { perSecond: 6, burst: 1_000 },
};

const THROTTLING = {
  source: 'Request throttling for the Amazon EC2 API',
  url: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html',
  date: '2026-11-29',
};

export const EC2_SOURCES: readonly LimitSource[] = [
  {
    ...THROTTLING,
    limits:
      'calls.create, instances, StartInstances, TerminateInstances, CreateTags; instances of StopInstances',
    isEstimate: false,
  },
  {
    ...THROTTLING,
    limits: 'calls.list, calls.mutate and the other actions of ec2: their category',
    isEstimate: true,
  },
  {
    limits: 'ssm:PutParameter',
    source: 'github-aws-runners/terraform-aws-github-runner, issue 2944 of February 2023',
    date: '2026-11-29',
    isEstimate: true,
  },
];

export const EC2_GRANTED_SOURCES: readonly LimitSource[] = [
  { ...THROTTLING, limits: 'calls.create, calls.list, instances: three times the default', isEstimate: true },
];
