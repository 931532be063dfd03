import { z } from 'zod';
import { REGISTERED_DRIVERS } from '../../functions/drivers/registry.ts';
import { type DriverName, driverNameSchema } from '../../functions/model/connection.ts';
import { deploymentIdSchema } from '../../functions/model/identifiers.ts';

export const STAGE_NAMES = ['local', 'dev', 'production'] as const;
export const stageNameSchema = z.enum(STAGE_NAMES);
export type StageName = z.infer<typeof stageNameSchema>;

/**
 * Selects a stage's alarms. Each alarm costs $0.10 a month. `essential` has only alarms for work that was
 * given up. `all` also has alarms for late work, sweeps that wait for an operator, a failing API, and
 * scheduled functions that fail.
 */
export type AlarmLevel = 'none' | 'essential' | 'all';

/**
 * The settings that differ between stages. All other settings are equal in all stages, including the local
 * one.
 */
export interface Stage {
  readonly name: StageName;
  /**
   * The drivers to deploy. Each driver has its own queue, dead-letter queue and function. Polling one queue
   * costs about $0.36 a month, and each alarm $0.10. `-c drivers=aws,openstack` adds drivers to this list.
   */
  readonly drivers: readonly DriverName[];
  /**
   * The initial value of the tag `fleetwright:deployment`. Undefined: the UUID in the stack's ARN is the
   * initial value. Once the tables have an id, the id never changes, and a deploy that names a different id
   * fails.
   */
  readonly deploymentId: string | undefined;
  /**
   * If true, the data survive the stack: tables are retained and have point-in-time recovery, and the stack
   * has termination protection.
   */
  readonly keepData: boolean;
  readonly logRetentionDays: 1 | 7 | 30;
  readonly alarms: AlarmLevel;
  readonly alarmEmail: string | undefined;
  /** True if a connection may set the URL of its cloud's API. */
  readonly allowEndpointOverride: boolean;
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
  readonly apiRequestsPerSecond: number;
  readonly tracing: boolean;
}

const registered = REGISTERED_DRIVERS.map(({ name }) => name);

const STAGES: Readonly<Record<StageName, Omit<Stage, 'name' | 'alarmEmail'>>> = {
  local: {
    drivers: registered,
    deploymentId: undefined,
    keepData: false,
    logRetentionDays: 1,
    alarms: 'none',
    allowEndpointOverride: true,
    inventoryIntervalMinutes: 15,
    sweepIntervalMinutes: 60,
    driverConcurrency: 8,
    driverTimeoutSeconds: 20,
    apiRequestsPerSecond: 500,
    tracing: false,
  },
  dev: {
    drivers: ['sim'],
    deploymentId: undefined,
    keepData: false,
    logRetentionDays: 7,
    alarms: 'essential',
    allowEndpointOverride: false,
    inventoryIntervalMinutes: 24 * 60,
    sweepIntervalMinutes: 24 * 60,
    driverConcurrency: 20,
    driverTimeoutSeconds: 60,
    apiRequestsPerSecond: 50,
    tracing: false,
  },
  production: {
    drivers: registered,
    deploymentId: undefined,
    keepData: true,
    logRetentionDays: 30,
    alarms: 'all',
    allowEndpointOverride: false,
    inventoryIntervalMinutes: 6 * 60,
    sweepIntervalMinutes: 15,
    driverConcurrency: 100,
    driverTimeoutSeconds: 60,
    apiRequestsPerSecond: 200,
    tracing: false,
  },
};

const contextSchema = z.object({
  stage: stageNameSchema.default('dev'),
  deploymentId: deploymentIdSchema.optional(),
  alarmEmail: z.email().optional(),
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
});

/**
 * Reads the stage from the CDK context: `-c stage=dev -c alarmEmail=ops@example.com -c deploymentId=… -c
 * drivers=aws,openstack`.
 *
 * @throws Error naming every invalid context value
 */
export function stageFromContext(context: (key: string) => unknown): Stage {
  const keys = ['stage', 'deploymentId', 'alarmEmail', 'drivers'] as const;
  const parsed = contextSchema.safeParse(Object.fromEntries(keys.map((key) => [key, context(key)])));
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `-c ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(wrong.join('; '));
  }
  const { stage: name, alarmEmail, deploymentId, drivers: added } = parsed.data;
  const stage = STAGES[name];
  // Drivers are in the registry's order, so that the template does not depend on the order in which the user
  // lists them.
  const drivers = registered.filter((driver) => stage.drivers.includes(driver) || added.includes(driver));
  return { ...stage, name, drivers, alarmEmail, deploymentId: deploymentId ?? stage.deploymentId };
}
