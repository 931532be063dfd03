import { DRIVERS } from '../../functions/drivers/registry.ts';
import { cloudSchema } from '../../functions/model/cloud.ts';
import type { DriverName } from '../../functions/model/connection.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { parseConnectionKey } from '../../functions/model/identifiers.ts';
import type { LimitOverride } from '../../functions/model/limit-profile.ts';
import { isWindow, type Rate } from '../../functions/model/rate.ts';
import { NETWORK_POOL } from '../../infra/settings/config.ts';
import type { CloudConfig } from '../../local/sim/engine/config.ts';
import type { ResourceKind } from '../../local/sim/engine/requests.ts';
import { statusAt } from '../../local/sim/engine/status.ts';
import { CALM } from '../../test/chaos/ground/disturbance.ts';
import { Ground } from '../../test/chaos/ground/ground.ts';
import { limitsOf } from '../../test/chaos/models/clouds.ts';
import { SMALL_REGION } from '../../test/chaos/models/service-limits.ts';
import { Client } from '../../test/chaos/scenario/client.ts';
import { furnish } from '../../test/chaos/world/furnish.ts';
import { Lab } from '../../test/chaos/world/lab.ts';
import { deployedStage } from '../../test/samples/deployed-stage.ts';

const GLANCE_MS = 250;
const SAY_MS = 30_000;
/** Virtual time in ms after which all inventories are read and written. */
const SETTLED_MS = 60_000;
const PATIENCE_MS = 24 * 60 * 60_000;

export interface VirtualOptions {
  seed: number;
  clouds: Readonly<Record<string, CloudConfig>>;
  /** Ratio of the call rates in the connections' limits to the rates that the clouds enforce. */
  overstatedBy: number;
  /** Limits of the connections that replace those of their clouds. */
  limits?: LimitOverride | undefined;
  /**
   * True for AWS services that throttle nothing, a Lambda that begins with the full concurrency, and one queue for all
   * clouds.
   */
  unlimitedServices?: boolean | undefined;
  /** Grace time of unused shared networks, in ms. Omit it for 0. */
  networkGraceMs?: number;
  /** Called with each network resource that a cloud makes. */
  onResource?(kind: ResourceKind): void;
}

/** Runs the shipped code over the simulated clouds in virtual time, without faults. */
export class VirtualStack {
  readonly lab: Lab;
  readonly #client: Client;
  readonly #made: () => number;

  constructor(lab: Lab, made: () => number) {
    this.lab = lab;
    this.#client = new Client(lab);
    this.#made = made;
  }

  /** Creates a fleet. @returns its id @throws Error when it is refused */
  async create(request: FleetRequest): Promise<string> {
    const script = { request, createAtMs: 0, deleteAtMs: [], actions: [] };
    const id = await this.#client.create(script, request.name);
    if (id === undefined) throw new Error(`fleet ${request.name} was refused`);
    return id;
  }

  async remove(fleetId: string): Promise<void> {
    await this.#client.remove(fleetId);
  }

  /**
   * Waits until this number of instances run.
   *
   * @param say is called from time to time with the number of instances created so far, and the virtual
   * seconds that have passed
   * @throws Error if that takes more than a day of virtual time
   */
  async untilRunning(wanted: number, say: (made: number, seconds: number) => void = () => {}): Promise<void> {
    const { ground } = this.lab;
    const startMs = ground.now();
    let saidAtMs = performance.now();
    // Counting the running instances is slow. Therefore they are counted only when enough instances exist.
    while (this.#made() < wanted || this.#running() < wanted) {
      if (ground.now() - startMs > PATIENCE_MS)
        throw new Error(`only ${this.#running()} of ${wanted} instances ran within a day of virtual time`);
      await ground.sleep(GLANCE_MS);
      if (performance.now() < saidAtMs + SAY_MS) continue;
      say(this.#made(), Math.round((ground.now() - startMs) / 1_000));
      saidAtMs = performance.now();
    }
  }

  #running(): number {
    const { clouds, ground } = this.lab;
    const nowMs = ground.now();
    let count = 0;
    for (const { live } of clouds.sites) {
      for (const one of live.values()) if (statusAt(one, nowMs) === 'Running') count += 1;
    }
    return count;
  }
}

/** Opens a stack with a connection to each cloud, starts the schedules, and calls `work` with the stack. */
export async function inVirtualTime<Result>(
  {
    seed,
    clouds,
    overstatedBy,
    limits,
    unlimitedServices = false,
    networkGraceMs = 0,
    onResource,
  }: VirtualOptions,
  work: (stack: VirtualStack) => Promise<Result>,
): Promise<Result> {
  const ground = new Ground(seed, CALM, false, Number.POSITIVE_INFINITY);
  let made = 0;
  const lab = new Lab(ground, {
    clouds,
    ...deployedStage('production'),
    ...(unlimitedServices ? {} : { services: SMALL_REGION, queueOf: deployedQueueOf }),
    skewMs: 0,
    isDirect: true,
    networkGraceMs,
    networkPool: NETWORK_POOL,
    onCloudEvent: (event) => {
      if (event.kind === 'instance') made += 1;
      if (event.kind === 'resource') onResource?.(event.record.kind);
    },
  });
  const play = async () => {
    await furnish(
      lab,
      Object.entries(clouds).map(([name, config]) => ({
        name: `sim-${name}`,
        cloud: cloudSchema.parse(name),
        limits: limits ?? overstated(limitsOf(config), overstatedBy),
      })),
    );
    await ground.sleep(SETTLED_MS);
    lab.startSchedules();
    return await work(new VirtualStack(lab, () => made));
  };
  try {
    return await ground.scheduler.run(play());
  } finally {
    lab.tables.takeBack();
  }
}

/**
 * Returns the queue that a deployment on AWS has for the cloud of a connection of `inVirtualTime`: that of the driver
 * which reaches the real cloud.
 */
function deployedQueueOf(connectionKey: string): DriverName {
  const cloud = cloudSchema.parse(parseConnectionKey(connectionKey).name.replace(/^sim-/, ''));
  const driver = [DRIVERS.aws, DRIVERS.openstack, DRIVERS['cb-spider']].find(({ clouds }) =>
    clouds.includes(cloud),
  );
  if (!driver) throw new Error(`no driver reaches the cloud ${cloud}`);
  return driver.name;
}

function overstated({ calls, ...slots }: ReturnType<typeof limitsOf>, by: number): LimitOverride {
  const times = (rate: Rate): Rate =>
    isWindow(rate)
      ? { ...rate, count: rate.count * by }
      : { perSecond: rate.perSecond * by, burst: rate.burst * by };
  const { create, list, mutate } = calls;
  return { ...slots, calls: { create: times(create), list: times(list), mutate: times(mutate) } };
}
