import { type AccountChecks, concurrencyNeeded } from './check-account.ts';
import { figure, ok, type Probe, warning } from './finding.ts';
import { bucketOf, listQuotas, readQuota, secondsOf } from './quotas.ts';

/** Launches that one worker takes together. A create call at AWS has at most as many machines. */
const BATCH = 10;
/** State transitions and write units of one launch, as measured (docs/benchmarks.md, `cost`). */
const TRANSITIONS_PER_LAUNCH = 1.52;
const WRITES_PER_LAUNCH = 13.9;
/** Executions that one fleet starts at least: its own, and one of a location. */
const STARTS_PER_FLEET = 2;
/** Writes per second that a new on-demand table takes at first. */
const NEW_TABLE_WRITES_PER_SECOND = 4_000;
/** Parameter Store's calls per second, without and with the setting for higher throughput. */
const PARAMETER_CALLS_PER_SECOND = 40;
const HIGHER_PARAMETER_CALLS_PER_SECOND = 3_000;
/** A throttle that ends within this time is not worth a warning. */
const PATIENCE_SECONDS = 60;
const VCPUS_PER_INSTANCE = 2;

/** EC2's request throttling of RunInstances (docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). */
const RUN_CALLS = { capacity: 5, refill: 2, codes: ['L-8EEB235C', 'L-A2D70E6C'] };
const RUN_MACHINES = { capacity: 1_000, refill: 2 };

/** Returns the checks of what throttles if `size` instances are created together. */
export function sizeProbes(checks: AccountChecks, size: number): Probe[] {
  return [
    invocations(checks, size),
    transitions(checks, size),
    starts(checks, size),
    parameters(checks, size),
    writes(size),
    ...(checks.needs.drivers.includes('aws')
      ? [runInstances(checks, size), quota(checks, size, VCPUS), quota(checks, size, INTERFACES)]
      : []),
  ];
}

const lasting = (seconds: number): string =>
  seconds < 1 ? 'no throttle of a second or more' : `throttled for ${figure(Math.ceil(seconds))} s`;

function invocations(checks: AccountChecks, size: number): Probe {
  const batches = Math.ceil(size / BATCH);
  const together = Math.min(batches, concurrencyNeeded(checks));
  return {
    id: 'size-invocations',
    needed: `${figure(size)} launches: ${figure(batches)} invocations of drivers, up to ${figure(together)} concurrent`,
    async ask() {
      const { AccountLimit } = await checks.account.call('lambda:GetAccountSettings', {});
      const free = AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions ?? 0;
      const found = `${figure(free)} concurrent; a queue begins with 5 batches, and gets up to 300 more a minute`;
      return free >= together
        ? ok(found)
        : warning(found, 'Request more concurrent executions (lambda, L-B99A9384) in Service Quotas.');
    },
  };
}

function stepFunctions(
  checks: AccountChecks,
  {
    id,
    call,
    codes,
    wanted,
    what,
  }: {
    id: string;
    call: string;
    codes: { capacity?: string; refill?: string };
    wanted: number;
    what: string;
  },
): Probe {
  return {
    id,
    needed: `${figure(Math.ceil(wanted))} ${what}`,
    async ask() {
      const bucket = bucketOf(await listQuotas(checks.account, 'states'), call, codes);
      if (!bucket) {
        return {
          status: 'unknown',
          found: `not known: Service Quotas lists no quota of ${call}`,
          whatToDo: `Look for ${call} in the page of Step Functions in the Service Quotas console.`,
        };
      }
      const seconds = secondsOf(wanted, bucket);
      const found = `${figure(bucket.capacity)} + ${figure(bucket.refill)}/s: ${lasting(seconds)}`;
      if (seconds <= PATIENCE_SECONDS) return ok(found);
      return warning(found, `Request a higher refill rate of ${call} (states) in Service Quotas.`);
    },
  };
}

function transitions(checks: AccountChecks, size: number): Probe {
  return stepFunctions(checks, {
    id: 'size-transitions',
    call: 'StateTransition',
    codes: { capacity: 'L-137B3F65', refill: 'L-AD9B4E93' },
    wanted: size * TRANSITIONS_PER_LAUNCH,
    what: `state transitions (${TRANSITIONS_PER_LAUNCH} for each launch)`,
  });
}

function starts(checks: AccountChecks, size: number): Probe {
  return stepFunctions(checks, {
    id: 'size-executions',
    call: 'StartExecution',
    codes: {},
    wanted: size * STARTS_PER_FLEET,
    what: `executions at most: ${figure(size)} fleets of one instance start ${STARTS_PER_FLEET} each`,
  });
}

function parameters(checks: AccountChecks, size: number): Probe {
  const workers = Math.min(Math.ceil(size / BATCH), concurrencyNeeded(checks));
  return {
    id: 'size-parameters',
    needed: `up to ${figure(workers)} reads of credentials when that many workers start`,
    async ask() {
      const { ServiceSetting } = await checks.account.call('ssm:GetServiceSetting', {
        SettingId: '/ssm/parameter-store/high-throughput-enabled',
      });
      const isHigher = ServiceSetting?.SettingValue === 'true';
      const refill = isHigher ? HIGHER_PARAMETER_CALLS_PER_SECOND : PARAMETER_CALLS_PER_SECOND;
      const seconds = secondsOf(workers, { capacity: refill, refill });
      const found = `${figure(refill)} calls/s (${isHigher ? 'higher' : 'standard'} throughput): ${lasting(seconds)}`;
      return seconds < 1
        ? ok(found)
        : warning(
            found,
            'Workers wait and try again. To avoid the wait, run `aws ssm update-service-setting --setting-id /ssm/parameter-store/high-throughput-enabled --setting-value true` ($0.05 per 10,000 calls).',
          );
    },
  };
}

function writes(size: number): Probe {
  const wanted = size * WRITES_PER_LAUNCH;
  return {
    id: 'size-writes',
    needed: `${figure(Math.ceil(wanted))} writes to tables (${WRITES_PER_LAUNCH} for each launch)`,
    ask() {
      const seconds = secondsOf(wanted, {
        capacity: NEW_TABLE_WRITES_PER_SECOND,
        refill: NEW_TABLE_WRITES_PER_SECOND,
      });
      const found = `${figure(NEW_TABLE_WRITES_PER_SECOND)} writes/s of a new table: ${lasting(seconds)}`;
      if (seconds <= PATIENCE_SECONDS) return Promise.resolve(ok(found));
      return Promise.resolve(
        warning(
          found,
          'Create the fleets one after the other, or set a warm throughput of the table `fleets`.',
        ),
      );
    },
  };
}

function runInstances({ account }: AccountChecks, size: number): Probe {
  const calls = Math.ceil(size / BATCH);
  return {
    id: 'size-ec2-calls',
    needed: `${figure(calls)} RunInstances calls for ${figure(size)} machines, if all are in one region of one AWS account`,
    async ask() {
      const quotas: Awaited<ReturnType<typeof readQuota>>[] = [];
      for (const code of RUN_CALLS.codes) quotas.push(await readQuota(account, 'ec2', code));
      // The quotas' names tell which of them is the refill.
      const isRefill = (quota: (typeof quotas)[number]) => /refill/i.test(quota?.QuotaName ?? '');
      const bucket = {
        capacity: quotas.find((one) => one && !isRefill(one))?.Value ?? RUN_CALLS.capacity,
        refill: quotas.find(isRefill)?.Value ?? RUN_CALLS.refill,
      };
      const byCalls = secondsOf(calls, bucket);
      const byMachines = secondsOf(size, RUN_MACHINES);
      const seconds = Math.max(byCalls, byMachines);
      const found = `calls: ${figure(bucket.capacity)} + ${figure(bucket.refill)}/s; machines: ${figure(RUN_MACHINES.capacity)} + ${figure(RUN_MACHINES.refill)}/s (published): at least ${figure(Math.ceil(seconds))} s`;
      if (seconds <= PATIENCE_SECONDS) return ok(found);
      return warning(
        found,
        `${byMachines > byCalls ? 'Machines' : 'Calls'} are the tighter limit. Spread the fleet over regions or accounts, or ask AWS Support for a higher request rate.`,
      );
    },
  };
}

interface QuotaCheck {
  id: string;
  service: 'ec2' | 'vpc';
  code: string;
  what: string;
  perInstance: number;
}
const VCPUS: QuotaCheck = {
  id: 'size-ec2-vcpus',
  service: 'ec2',
  code: 'L-1216C47A',
  what: `vCPUs of Standard on-demand instances (${VCPUS_PER_INSTANCE} for each)`,
  perInstance: VCPUS_PER_INSTANCE,
};
const INTERFACES: QuotaCheck = {
  id: 'size-ec2-interfaces',
  service: 'vpc',
  code: 'L-DF5E4CA3',
  what: 'network interfaces',
  perInstance: 1,
};

function quota(
  { account }: AccountChecks,
  size: number,
  { id, service, code, what, perInstance }: QuotaCheck,
): Probe {
  const wanted = size * perInstance;
  return {
    id,
    needed: `${figure(wanted)} ${what}, if all are in this account and region`,
    async ask() {
      const value = (await readQuota(account, service, code))?.Value;
      if (value === undefined)
        return { status: 'unknown', found: `not known: the region has no quota ${code}`, whatToDo: '' };
      const found = figure(value);
      return value >= wanted
        ? ok(found)
        : warning(found, `Request an increase of the quota ${code} in Service Quotas, or spread the fleet.`);
    },
  };
}
