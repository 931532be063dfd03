import { createAwsDriver } from '../../functions/drivers/aws/driver.ts';
import { createCbSpiderDriver } from '../../functions/drivers/cb-spider/driver.ts';
import type { Driver } from '../../functions/drivers/contract/driver.ts';
import { createOpenStackDriver } from '../../functions/drivers/openstack/driver.ts';
import { createSimDriver } from '../../functions/drivers/sim/driver.ts';
import type { DriverName } from '../../functions/model/connection.ts';
import { CALM } from '../chaos/ground/disturbance.ts';
import { Ground } from '../chaos/ground/ground.ts';
import type { Process } from '../chaos/ground/process.ts';
import { calmScenario } from '../chaos/scenario/calm.ts';
import { Stage } from '../chaos/scenario/stage.ts';
import { Lab } from '../chaos/world/lab.ts';
import { LOCAL } from '../field/harness/field.ts';
import { FieldUser } from '../field/harness/user.ts';
import { warmUp } from '../field/harness/warm-up.ts';
import { Ec2World } from '../field/worlds/ec2/world.ts';
import { type CloudWorld, clockOf, handlerOver, sendTo } from '../field/worlds/http.ts';
import { OpenStackWorld } from '../field/worlds/openstack/world.ts';
import { SpiderWorld } from '../field/worlds/spider/world.ts';
import { Canaries } from './accounts.ts';
import { EchoingWorld } from './echo.ts';
import { Places } from './places.ts';
import { SimWorld } from './sim-world.ts';
import type { Spelling } from './spellings.ts';

/**
 * The whole control plane, a cloud endpoint that repeats requests in its answers (`echo`), and the texts that
 * the control plane wrote so far (`places`).
 */
export interface CanaryWorld {
  driver: DriverName;
  ground: Ground;
  canaries: Canaries;
  echo: EchoingWorld;
  lab: Lab;
  stage: Stage;
  user: FieldUser;
  places: Places;
}

export interface CanaryOptions {
  driver: DriverName;
  spelling: Spelling;
  seed: number;
  /** Returns a driver that leaks secrets on purpose, to test the search. */
  leak?: ((driver: Driver, canaries: Canaries) => Driver) | undefined;
}

/**
 * Runs `play` in virtual time with the real driver.
 *
 * @returns the world after `play`
 */
export async function inCanaryWorld(
  { driver, spelling, seed, leak = (honest) => honest }: CanaryOptions,
  play: (world: CanaryWorld) => Promise<void>,
): Promise<CanaryWorld> {
  const ground = new Ground(seed, CALM, false, Number.POSITIVE_INFINITY);
  const canaries = new Canaries(driver, () => ground.random.next());
  const cloud = CLOUDS[driver](ground, canaries);
  const echo = new EchoingWorld(cloud, driver, spelling);
  const places = new Places();
  const open = (process: Process) => leak(echoed(echo, canaries, driver, process), canaries);
  const lab = new Lab(ground, {
    clouds: calmScenario().clouds,
    ...LOCAL,
    skewMs: 0,
    drivers: { [driver]: open },
    onCloudEvent: () => {},
    onLog: (line) => places.add('logs', line),
    onPayload: (json) => places.add('histories', json),
  });
  for (const queue of lab.queues.values()) queue.onSend = (body) => places.add('messages', body);
  const world = {
    driver,
    ground,
    canaries,
    echo,
    lab,
    stage: new Stage(lab),
    user: new FieldUser(lab),
    places,
  };
  if (driver === 'aws') await warmUp();
  try {
    lab.startSchedules();
    await ground.scheduler.run(play(world));
    places.collect(lab);
  } finally {
    lab.tables.takeBack();
  }
  return world;
}

/**
 * Returns a driver whose clients call the endpoint `echo`. The endpoint knows the canaries in each client's
 * credential.
 */
function echoed(echo: EchoingWorld, canaries: Canaries, name: DriverName, process: Process): Driver {
  const make = DRIVERS[name];
  return {
    ...make(echo, process),
    connect: (options) => {
      const secrets = Object.values(options.credential).filter((value) => canaries.all.includes(value));
      return make(echo.asOf(secrets), process).connect(options);
    },
  };
}

const CLOUDS: Readonly<Record<DriverName, (ground: Ground, canaries: Canaries) => CloudWorld>> = {
  sim: (ground) => new SimWorld(ground),
  aws: () => new Ec2World(),
  openstack: (_, canaries) => new OpenStackWorld({ tokenOf: () => canaries.draw() }),
  'cb-spider': (ground) => new SpiderWorld(ground),
};

const DRIVERS: Readonly<Record<DriverName, (world: CloudWorld, process: Process) => Driver>> = {
  sim: (world, process) => createSimDriver(sendTo(world, process), clockOf(process)),
  aws: (world, process) => createAwsDriver(handlerOver(sendTo(world, process)), clockOf(process)),
  openstack: (world, process) => createOpenStackDriver(sendTo(world, process), clockOf(process)),
  'cb-spider': (world, process) => createCbSpiderDriver(sendTo(world, process), clockOf(process)),
};
