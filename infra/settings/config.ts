import * as z from 'zod';
import { REGISTERED_DRIVERS } from '../../functions/drivers/registry.ts';
import { type DriverName, driverNameSchema } from '../../functions/model/connection.ts';

/** Default pool of shared networks: all private addresses of class A. The default VPC of AWS accounts is elsewhere. */
export const NETWORK_POOL = '10.0.0.0/8';

export const STAGE_NAMES = ['local', 'dev', 'production'] as const;
export const stageNameSchema = z.enum(STAGE_NAMES);
export type StageName = z.infer<typeof stageNameSchema>;

/**
 * Selects a stage's alarms. Each alarm costs $0.10 a month. `essential` has only alarms for work that was
 * given up. `all` also has alarms for late work, sweeps that wait for an operator, a failing API, and
 * scheduled functions that fail.
 */
export const ALARM_LEVELS = ['none', 'essential', 'all'] as const;
export type AlarmLevel = (typeof ALARM_LEVELS)[number];

/**
 * Selects the export of the audit log. `bucket`: to a bucket. `governance` and `compliance`: to a bucket with Object Lock in
 * that mode.
 */
export const AUDIT_EXPORTS = ['none', 'bucket', 'governance', 'compliance'] as const;
export type AuditExportMode = (typeof AUDIT_EXPORTS)[number];
/** Time for which Object Lock protects an exported object, in days, unless the context says otherwise. */
const AUDIT_LOCK_DAYS = 400;

/**
 * The settings that differ between stages. All other settings are equal in all stages, including the local
 * one. The numbers that an operator may set are defaults of CloudFormation parameters; see parameters.ts.
 */
export interface Stage {
  readonly name: StageName;
  /**
   * The drivers to deploy. Each driver has its own queue, dead-letter queue and function. Polling one queue
   * costs about $0.26 a month, and each alarm $0.10. `-c drivers=sim` adds drivers to this list.
   */
  readonly drivers: readonly DriverName[];
  /**
   * If true, the data survive the stack: tables are retained and have point-in-time recovery, and the stack
   * has termination protection.
   */
  readonly keepData: boolean;
  readonly logRetentionDays: 1 | 7 | 30;
  readonly alarms: AlarmLevel;
  /** True if a connection may set the URL of its cloud's API. */
  readonly allowEndpointOverride: boolean;
  /**
   * Addresses that are not public and to which requests may be sent, in the form of the parameter `AllowedAddresses`. The
   * local stage allows this machine, where its simulated clouds are, and private networks.
   */
  readonly allowedAddresses: string;
  readonly inventoryIntervalMinutes: number;
  /** Interval of the scheduled orphan sweeps of each connection. */
  readonly sweepIntervalMinutes: number;
  /** Maximum number of concurrent invocations of one driver's function, 2 to 1,000. */
  readonly driverConcurrency: number;
  /**
   * The time limit of a driver's function. After a worker dies, its messages stay hidden for this time plus ten
   * seconds. A claim also lasts for this time plus ten seconds.
   */
  readonly driverTimeoutSeconds: number;
  /** Time for which a shared network resource is kept after its last fleet has left it. */
  readonly networkGraceSeconds: number;
  readonly apiRequestsPerSecond: number;
  /** Requests a second to each route that changes something. */
  readonly apiChangesPerSecond: number;
  /** Maximum number of API requests that wait for an instance at a time. Each keeps one invocation of a function. */
  readonly waitingRequests: number;
  readonly tracing: boolean;
  readonly auditExport: AuditExportMode;
  /** Days for which Object Lock protects an exported object. */
  readonly auditLockDays: number;
  /** True: a second HTTP API has the same routes for callers that sign with AWS credentials. */
  readonly iam: boolean;
  /** True if all stored data is encrypted with a KMS key of the account, which costs $1 a month and by use. */
  readonly customerKey: boolean;
  /** True if tables cannot be deleted before an operator turns their protection off. */
  readonly protectTables: boolean;
}

const registered = REGISTERED_DRIVERS.map(({ name }) => name);
/**
 * The drivers that make machines. `sim` makes none, and its connections need a simulator with a public address.
 * Therefore stages on AWS have it only with `-c drivers=sim`.
 */
const provisioning = registered.filter((name) => name !== 'sim');

const STAGES: Readonly<
  Record<StageName, Omit<Stage, 'name' | 'iam' | 'auditExport' | 'auditLockDays' | 'customerKey'>>
> = {
  local: {
    drivers: registered,
    keepData: false,
    logRetentionDays: 1,
    alarms: 'none',
    allowEndpointOverride: true,
    allowedAddresses: '127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7',
    inventoryIntervalMinutes: 15,
    sweepIntervalMinutes: 60,
    driverConcurrency: 4,
    driverTimeoutSeconds: 20,
    networkGraceSeconds: 0,
    apiRequestsPerSecond: 500,
    apiChangesPerSecond: 500,
    waitingRequests: 8,
    tracing: false,
    protectTables: false,
  },
  dev: {
    drivers: provisioning,
    keepData: false,
    logRetentionDays: 7,
    alarms: 'essential',
    allowEndpointOverride: false,
    allowedAddresses: '',
    inventoryIntervalMinutes: 24 * 60,
    sweepIntervalMinutes: 24 * 60,
    driverConcurrency: 20,
    driverTimeoutSeconds: 60,
    networkGraceSeconds: 15 * 60,
    apiRequestsPerSecond: 50,
    apiChangesPerSecond: 25,
    waitingRequests: 3,
    tracing: false,
    protectTables: false,
  },
  production: {
    drivers: provisioning,
    keepData: true,
    logRetentionDays: 30,
    alarms: 'all',
    allowEndpointOverride: false,
    allowedAddresses: '',
    inventoryIntervalMinutes: 6 * 60,
    sweepIntervalMinutes: 15,
    driverConcurrency: 100,
    driverTimeoutSeconds: 60,
    networkGraceSeconds: 15 * 60,
    apiRequestsPerSecond: 200,
    apiChangesPerSecond: 100,
    waitingRequests: 20,
    tracing: false,
    protectTables: true,
  },
};

/** Refuses a setting that is a CloudFormation parameter, so that no deploy ignores it silently. */
const isParameter = (parameter: string) =>
  z.undefined({ error: `is not read: use --parameters ${parameter}=… (docs/operations/deployment.md)` });

const contextSchema = z.object({
  stage: stageNameSchema.default('dev'),
  drivers: z
    .string()
    .transform((text) => text.split(','))
    .pipe(
      z.array(
        driverNameSchema.refine((name) => registered.includes(name), {
          error: `must only name drivers of this list: ${registered.join(', ')}`,
        }),
      ),
    )
    .default([]),
  alarms: z.enum(ALARM_LEVELS).optional(),
  tracing: z.enum(['true', 'false']).optional(),
  auditExport: z.enum(AUDIT_EXPORTS).default('none'),
  auditLockDays: z.coerce.number().int().min(1).max(36_500).default(AUDIT_LOCK_DAYS),
  iam: z.enum(['true', 'false']).default('false'),
  customerKey: z.enum(['true', 'false']).default('false'),
  protectTables: z.enum(['true', 'false']).optional(),
  alarmEmail: isParameter('AlarmEmail'),
  deploymentId: isParameter('ChosenDeploymentId'),
});

/**
 * Reads the stage from the CDK context: `-c stage=production -c drivers=sim -c alarms=essential -c tracing=true -c
 * auditExport=compliance -c customerKey=true -c protectTables=false`. The
 * context has the settings that add or remove resources.
 *
 * @throws Error naming every invalid context value
 */
export function stageFromContext(context: (key: string) => unknown): Stage {
  const keys = contextSchema.keyof().options;
  const parsed = contextSchema.safeParse(Object.fromEntries(keys.map((key) => [key, context(key)])));
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `-c ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(wrong.join('; '));
  }
  const { stage: name, drivers: added, alarms, tracing, iam, auditExport, auditLockDays } = parsed.data;
  const { customerKey, protectTables } = parsed.data;
  const stage = STAGES[name];
  // Drivers are in the registry's order, so that the template does not depend on the order in which the user
  // lists them.
  const drivers = registered.filter((driver) => stage.drivers.includes(driver) || added.includes(driver));
  return {
    ...stage,
    name,
    drivers,
    auditExport,
    auditLockDays,
    alarms: alarms ?? stage.alarms,
    tracing: tracing === undefined ? stage.tracing : tracing === 'true',
    iam: iam === 'true',
    customerKey: customerKey === 'true',
    protectTables: protectTables === undefined ? stage.protectTables : protectTables === 'true',
  };
}
