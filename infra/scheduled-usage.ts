import * as z from 'zod';
import { REGISTERED_DRIVERS } from '../functions/drivers/registry.ts';
import { referredId, resourcesOf, type Template } from './template.ts';

const HOURS_PER_MONTH = 730;
export const MINUTES_PER_MONTH = HOURS_PER_MONTH * 60;

const INVENTORY_SCHEDULE = 'functions/entrypoints/handlers/schedules/schedule-inventory';
const CONNECTIONS = 8;
const LOCATIONS = 53;
/**
 * Memory-time in GB-seconds of the sweep of one location: four lists, one after the other, of about 0.2 s each, at 512
 * MB.
 */
const SWEEP_GB_SECONDS = 0.4;
/**
 * Number of processes of a driver that take part in one sweep or sync of a connection. Each decrypts the credential
 * once, because it keeps the opened connection for a minute. The messages of a connection's locations are spread over
 * that minute, so that few of them overlap.
 */
const PROCESSES = 3;

/**
 * Usage of one scheduled invocation while there is no fleet, including the messages that the invocation
 * sends. Assumption: eight connections have 53 locations in total. Each location has 12 instance types and 10
 * images, and the inventory rewrites every item.
 */
const SCHEDULED: Readonly<Record<string, Usage>> = {
  'functions/entrypoints/handlers/schedules/watch': {
    requests: 1,
    gbSeconds: 0.05,
    reads: 2,
    writes: 0,
    sqs: 0,
    kms: 0,
    logBytes: 600,
  },
  'functions/entrypoints/handlers/schedules/reconcile': {
    requests: 1,
    gbSeconds: 0.05,
    // Every fifth invocation advances the restore counter, which reveals that the tables were restored to an
    // earlier time. This takes two strongly consistent reads and one write. Each invocation also reads, strongly
    // consistently, the four partitions of acts under way.
    reads: 0.5 + 2 / 5 + 4,
    writes: 1 / 5,
    sqs: 0,
    kms: 0,
    logBytes: 600,
  },
  // Two queries of a few items each, and one query of the eight connections.
  'functions/entrypoints/handlers/schedules/finish-changes': {
    requests: 1,
    gbSeconds: 0.05,
    reads: 3,
    writes: 0,
    sqs: 0,
    kms: 0,
    logBytes: 600,
  },
  // For each connection, a message that verifies it.
  [INVENTORY_SCHEDULE]: {
    requests: 1 + CONNECTIONS,
    gbSeconds: 0.1 + CONNECTIONS * 0.5,
    reads: 10,
    writes: CONNECTIONS,
    sqs: CONNECTIONS * 3,
    kms: CONNECTIONS,
    logBytes: (1 + CONNECTIONS) * 600,
  },
  // For each of the 53 locations: four lists, four permits, two queries, and the item of the location's sweep hold.
  // Each location's message has a delay of its own, up to a minute. Therefore each is sent, received and deleted by
  // itself, and invokes the function by itself.
  'functions/entrypoints/handlers/schedules/schedule-sweeps': {
    requests: 1 + CONNECTIONS + LOCATIONS,
    gbSeconds: 0.1 + CONNECTIONS * 0.2 + LOCATIONS * SWEEP_GB_SECONDS,
    reads: 10 + CONNECTIONS * 7 + LOCATIONS * 10,
    writes: LOCATIONS * 4,
    sqs: (CONNECTIONS + LOCATIONS) * 3,
    kms: CONNECTIONS * PROCESSES,
    logBytes: (1 + CONNECTIONS + LOCATIONS) * 600,
  },
};

/** Shortest time after which the inventory schedule has a connection's inventory read again. */
const SYNC_MINUTES = Math.min(...REGISTERED_DRIVERS.map(({ inventoryPollMinutes }) => inventoryPollMinutes));
/** Usage of one sync of the inventory of all connections, in addition to the schedule's own usage. */
const SYNC: Usage = {
  requests: CONNECTIONS * PROCESSES,
  gbSeconds: CONNECTIONS * 4.5,
  reads: 0,
  writes: LOCATIONS * (1 + 12 + 10),
  sqs: CONNECTIONS * PROCESSES * 3,
  kms: CONNECTIONS * PROCESSES,
  logBytes: CONNECTIONS * PROCESSES * 600,
};

interface Usage {
  readonly requests: number;
  readonly gbSeconds: number;
  readonly reads: number;
  readonly writes: number;
  readonly sqs: number;
  /** Requests to KMS, which decrypts the credentials of connections. */
  readonly kms: number;
  readonly logBytes: number;
}

const ruleSchema = z.object({
  ScheduleExpression: z.string().regex(/^rate\(\d+ (minute|hour|day)s?\)$/),
  Targets: z.array(z.object({ Arn: z.unknown() })),
});
const MINUTES = { minute: 1, hour: 60, day: 24 * 60 };

export function intervalMinutes(expression: string): number {
  const match = /^rate\((?<number>\d+) (?<unit>minute|hour|day)s?\)$/.exec(expression);
  const unit = z.enum(['minute', 'hour', 'day']).parse(match?.groups?.['unit']);
  return Number(match?.groups?.['number']) * MINUTES[unit];
}

/** Adds up what all schedules of a template use in a month without fleets. @throws Error that names an unknown schedule */
export function scheduledUsage(template: Template): Usage & { readonly runs: number } {
  const sum = { runs: 0, requests: 0, gbSeconds: 0, reads: 0, writes: 0, sqs: 0, kms: 0, logBytes: 0 };
  for (const [id, rule] of resourcesOf(template, 'AWS::Events::Rule')) {
    const { ScheduleExpression, Targets } = ruleSchema.parse(rule.Properties);
    const runs = MINUTES_PER_MONTH / intervalMinutes(ScheduleExpression);
    for (const { Arn } of Targets) {
      const target = String(template.Resources[referredId(Arn) ?? '']?.Properties['Description']);
      const usage = SCHEDULED[target];
      if (!usage)
        throw new Error(
          `${id}: infra/scheduled-usage.ts has no usage for ${target}: add the usage of one invocation to SCHEDULED`,
        );
      sum.runs += runs;
      addTo(sum, usage, runs);
      if (target === INVENTORY_SCHEDULE) addTo(sum, SYNC, Math.min(runs, MINUTES_PER_MONTH / SYNC_MINUTES));
    }
  }
  return sum;
}

function addTo(sum: { -readonly [Field in keyof Usage]: Usage[Field] }, usage: Usage, times: number): void {
  sum.requests += times * usage.requests;
  sum.gbSeconds += times * usage.gbSeconds;
  sum.reads += times * usage.reads;
  sum.writes += times * usage.writes;
  sum.sqs += times * usage.sqs;
  sum.kms += times * usage.kms;
  sum.logBytes += times * usage.logBytes;
}
