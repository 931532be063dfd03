import { z } from 'zod';
import { REGISTERED_DRIVERS } from '../../functions/drivers/registry.ts';
import { type DriverName, driverNameSchema } from '../../functions/model/connection.ts';
import { deploymentIdSchema } from '../../functions/model/identifiers.ts';

export const STAGE_NAMES = ['local', 'dev', 'production'] as const;
export const stageNameSchema = z.enum(STAGE_NAMES);
export type StageName = z.infer<typeof stageNameSchema>;

/**
 * Which alarms a stage has; each costs $0.10 a month. `essential`: work was given up. `all`: also that it is
 * late, that the API fails, or that a schedule does not run.
 */
export type AlarmLevel = 'none' | 'essential' | 'all';

/** What differs from stage to stage. Everything else is the same everywhere, the local stage included. */
export interface Stage {
  readonly name: StageName;
  /**
   * Which drivers are deployed, each with a queue, a dead-letter queue and a function of its own: polling one queue
   * costs some $0.36 a month, its alarms $0.10 each. `-c drivers=aws,openstack` adds to the stage's own.
   */
  readonly drivers: readonly DriverName[];
  /**
   * Value of the tag `fleetwright:deployment` where the data have none yet; undefined: the UUID that CloudFormation gave
   * the stack. The data keep what they have: a stage that names another one is not deployed.
   */
  readonly deploymentId: string | undefined;
  /** Keep the data when the stack goes: tables retained, point-in-time recovery, a stack that is protected. */
  readonly keepData: boolean;
  readonly logRetentionDays: 1 | 7 | 30;
  readonly alarms: AlarmLevel;
  readonly alarmEmail: string | undefined;
  /** Whether a connection may name the URL of its cloud. */
  readonly allowEndpointOverride: boolean;
  readonly inventoryIntervalMinutes: number;
  /** How often each connection is swept for orphans. */
  readonly sweepIntervalMinutes: number;
  /** Invocations of one driver's function at a time, 2 to 1,000. */
  readonly driverConcurrency: number;
  /**
   * Ten seconds more than this is how long a message stays hidden after its worker died, and how long a claim lasts.
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
          error: `must be of ${registered.join(', ')}`,
        }),
      ),
    )
    .default([]),
});

/**
 * The stage that the CDK context names: `-c stage=dev -c alarmEmail=ops@example.com -c deploymentId=…
 * -c drivers=aws,openstack`.
 *
 * @throws Error naming every context value that is wrong
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
  // In the order of the registry, so that the same drivers make the same template.
  const drivers = registered.filter((driver) => stage.drivers.includes(driver) || added.includes(driver));
  return { ...stage, name, drivers, alarmEmail, deploymentId: deploymentId ?? stage.deploymentId };
}
