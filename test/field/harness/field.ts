import { createAwsDriver } from '../../../functions/drivers/aws/driver.ts';
import { createCbSpiderDriver } from '../../../functions/drivers/cb-spider/driver.ts';
import type { Driver } from '../../../functions/drivers/contract/driver.ts';
import { createOpenStackDriver } from '../../../functions/drivers/openstack/driver.ts';
import type { DriverName } from '../../../functions/model/connection.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import { CALM } from '../../chaos/ground/disturbance.ts';
import { Ground } from '../../chaos/ground/ground.ts';
import type { Process } from '../../chaos/ground/process.ts';
import type { ServiceLimits } from '../../chaos/models/service-limits.ts';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import { Stage } from '../../chaos/scenario/stage.ts';
import { Lab } from '../../chaos/world/lab.ts';
import { deployedStage } from '../../samples/deployed-stage.ts';
import { type CloudWorld, clockOf, handlerOver, sendTo } from '../worlds/http.ts';
import type { OpenStackWorld } from '../worlds/openstack/world.ts';
import type { SpiderWorld } from '../worlds/spider/world.ts';
import { FieldUser } from './user.ts';
import { warmUp } from './warm-up.ts';

/** The scripted cloud of each driver that a case uses. Each case has the simulated clouds as well. */
export interface Worlds {
  aws?: CloudWorld;
  openstack?: OpenStackWorld;
  'cb-spider'?: SpiderWorld;
}

export const PRODUCTION = deployedStage('production');
export const LOCAL = deployedStage('local');

export interface FieldOptions<Own extends Worlds> {
  /** Determines the order of events that happen at the same time. */
  seed?: number;
  stage?: typeof PRODUCTION;
  /** Simulated clouds. Omit it for `aws` and `gcp` without faults, with two locations each. */
  clouds?: Readonly<Record<string, CloudConfig>>;
  worlds(ground: Ground): Own;
  /** Grace time of unused shared networks, in ms. Omit it for 0. */
  networkGraceMs?: number;
  /** Limits of the AWS services. Omit them for services without limits. */
  services?: ServiceLimits | undefined;
  /**
   * Number of deployments, 1 by default. They share the deployment id and the clouds, but each has its own
   * tables.
   */
  deployments?: number;
}

/** What a case works with: the whole control plane with its real drivers, and the clouds. */
export interface Field<Own extends Worlds = Worlds> {
  ground: Ground;
  worlds: Own;
  lab: Lab;
  stage: Stage;
  user: FieldUser;
  /** The second and later deployments. */
  others: readonly { lab: Lab; stage: Stage; user: FieldUser }[];
}

/** Plays a case in virtual time. The schedules run from the start. */
export async function inField<Result, Own extends Worlds = Worlds>(
  options: FieldOptions<Own>,
  play: (field: Field<Own>) => Promise<Result>,
): Promise<Result> {
  const { seed = 1 } = options;
  const ground = new Ground(seed, CALM, false, Number.POSITIVE_INFINITY);
  const worlds = options.worlds(ground);
  const first = deploy(ground, worlds, options, 1);
  const others = Array.from({ length: (options.deployments ?? 1) - 1 }, (_, at) =>
    deploy(ground, worlds, options, at + 2, first.lab),
  );
  const deployments = [first, ...others];
  const run = async () => {
    for (const { lab } of deployments) lab.startSchedules();
    return await play({ ground, worlds, ...first, others });
  };
  if (worlds.aws) await warmUp();
  try {
    return await ground.scheduler.run(run());
  } finally {
    for (const { lab } of deployments) lab.tables.takeBack();
  }
}

function deploy<Own extends Worlds>(
  ground: Ground,
  worlds: Own,
  { stage: limits = PRODUCTION, clouds = calmScenario().clouds, networkGraceMs, services }: FieldOptions<Own>,
  number: number,
  beside?: Lab,
) {
  const lab = new Lab(ground, {
    clouds,
    ...limits,
    skewMs: 0,
    networkGraceMs,
    services,
    drivers: driversOf(worlds),
    writerId: `writer-${number}`,
    sharedClouds: beside?.clouds,
    onCloudEvent: () => {},
  });
  return { lab, stage: new Stage(lab), user: new FieldUser(lab) };
}

type OpenDriver = (process: Process) => Driver;

function driversOf({ aws, openstack, 'cb-spider': spider }: Worlds): Partial<Record<DriverName, OpenDriver>> {
  const overFetch =
    (create: typeof createOpenStackDriver | typeof createCbSpiderDriver, world: CloudWorld): OpenDriver =>
    (process) =>
      create(sendTo(world, process), clockOf(process));
  return {
    ...(aws
      ? { aws: (process) => createAwsDriver(handlerOver(sendTo(aws, process)), clockOf(process)) }
      : {}),
    ...(openstack ? { openstack: overFetch(createOpenStackDriver, openstack) } : {}),
    ...(spider ? { 'cb-spider': overFetch(createCbSpiderDriver, spider) } : {}),
  };
}
