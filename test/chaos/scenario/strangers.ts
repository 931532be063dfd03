import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../../functions/drivers/contract/driver.ts';
import { machineName, resourceName } from '../../../functions/drivers/contract/names.ts';
import { parseFleetItem } from '../../../functions/platform/store/fleets.ts';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import { plantInstance, plantResource } from '../../../local/sim/engine/plant.ts';
import { type Violation, violationBy } from '../invariants/violation.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import { Random } from '../time/random.ts';
import type { Lab } from '../world/lab.ts';
import { machineKey } from '../world/last-writers.ts';
import type { Planted } from './draw-strangers.ts';
import type { Scenario } from './scenario.ts';

/** An id that no fleet of any run has. */
const LOST_FLEET = 'f0000000000000000';
/** Minimum age of the original, in ms, when a copy is made. A younger copy could be a machine of the same launch. */
const COPY_AGE_MS = 20 * 60_000;

/** A planted machine or network resource. */
interface Stranger {
  backendId: string;
  atMs: number;
}

/**
 * Plants machines and networks that no fleet requested. Sweeps must keep copies of machines,
 * and the machines of other deployments, regardless of their tags. A network may show up again after its fleet has ended. The fleet's records prove
 * that this deployment made it, so sweeps must remove it, but only after the grace period.
 */
export class Strangers {
  readonly #lab: Lab;
  readonly #scenario: Scenario;
  readonly #machines: (Stranger & { whose: Planted['whose'] })[] = [];
  readonly #parts: Stranger[] = [];
  readonly #names = new Set<string>();
  readonly #random: Random;

  constructor(lab: Lab, scenario: Scenario) {
    this.#lab = lab;
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed, 'strangers');
  }

  async plant(): Promise<void> {
    const { ground } = this.#lab;
    await Promise.all(
      this.#scenario.planted.map(async (one, at) => {
        await ground.sleep(one.atMs);
        if (one.whose === 'ended') this.#plantPart(one);
        else if (one.whose === 'copy') this.#plantMachine(one, this.#copied(one.account));
        else this.#plantMachine(one, identityOf(one.whose, at));
      }),
    );
  }

  #plantMachine({ whose, cloud, account }: Planted, identity: Identity | undefined): void {
    const { ground, clouds } = this.#lab;
    if (!identity) return;
    const { location = 'east-1', name, tags, launchToken } = identity;
    const { backendId } = plantInstance(clouds.engine.world, {
      cloud,
      connection: account,
      location,
      name,
      tags,
      launchToken,
      instanceType: 'small',
      networkId: '',
    });
    ground.trace.add('scenario', `planted ${backendId} of ${whose}`);
    this.#machines.push({ whose, backendId, atMs: ground.now() });
  }

  /**
   * Returns name, tags and token of a machine that was accepted long ago, even if the machine no longer
   * exists.
   */
  #copied(account: string): Identity | undefined {
    const { ground, clouds, tables } = this.#lab;
    const beforeMs = ground.now() - COPY_AGE_MS - 4 * this.#scenario.skewMs;
    const accepted = new Set(
      tables.fleets
        .all()
        .filter(({ pk }) => String(pk).startsWith('INST#'))
        .map((item) => instanceItemSchema.parse(item))
        .filter(({ acceptedAtMs = ground.now() }) => acceptedAtMs < beforeMs)
        .map(({ backendId }) => backendId),
    );
    const old = clouds
      .machines()
      .filter((one) => one.account === account && one.ours !== undefined && accepted.has(one.backendId));
    return old.length === 0 ? undefined : this.#random.pick(old);
  }

  /**
   * Plants a network of a fleet that has ended, as if a slow call had made it after the fleet's end. Plants none if the
   * account has as many networks as it may have at the location, because a cloud refuses the slow call then.
   */
  #plantPart({ account }: Planted): void {
    const { ground, clouds, tables } = this.#lab;
    const items = tables.fleets.all();
    const ended = items
      .filter(({ pk, sk }) => sk === 'META' && String(pk).startsWith('FLEET#'))
      .map(parseFleetItem)
      .filter(({ status }) => status === 'Terminated' || status === 'RolledBack');
    const parts = items.filter(
      ({ pk, kind, connectionKey }) =>
        kind === 'network' &&
        connectionKey === `sim/default/${account}` &&
        ended.some(({ fleetId }) => pk === `NET#${fleetId}`),
    );
    // Leaves out networks that a cloud shows already: after a change of accounts, sweeps may already report
    // these networks.
    const standing = new Set(
      clouds.sites.flatMap(({ resources }) => [...resources.values()].map(({ name }) => name)),
    );
    const absent = parts.filter(
      ({ name }) => !this.#names.has(String(name)) && !standing.has(resourceName(DEPLOYMENT, String(name))),
    );
    if (absent.length === 0) return;
    const { name, location } = this.#random.pick(absent);
    const cloud = this.#scenario.connections.find((one) => one.name === account)?.cloud ?? '';
    const quota = this.#scenario.clouds[cloud]?.networkQuota ?? Number.POSITIVE_INFINITY;
    if (this.#networksAt(account, String(location)) >= quota) return;
    this.#names.add(String(name));
    const { backendId } = plantResource(clouds.engine.world, {
      cloud,
      connection: account,
      location: String(location),
      kind: 'network',
      name: resourceName(DEPLOYMENT, String(name)),
      tags: { [DEPLOYMENT_TAG]: DEPLOYMENT },
    });
    ground.trace.add('scenario', `planted network ${backendId} of an ended fleet`);
    this.#parts.push({ backendId, atMs: ground.now() });
  }

  /** Returns the number of networks that an account has at a location. */
  #networksAt(account: string, location: string): number {
    return this.#lab.clouds.sites
      .filter(({ key }) => key.account === account && key.location === location)
      .flatMap(({ resources }) => [...resources.values()])
      .filter(({ kind }) => kind === 'network').length;
  }

  check(goneAtMs: ReadonlyMap<string, number>): Violation[] {
    const { graceSeconds, skewMs } = this.#scenario;
    // The process that finds a network and the process that removes the network may have different clocks.
    const graceMs = Math.max(0, graceSeconds * 1_000 - 2 * skewMs);
    const machines = new Map(this.#lab.clouds.machines().map((machine) => [machine.backendId, machine]));
    const removed = this.#machines.flatMap(({ whose, backendId }): Violation[] => {
      const now = machines.get(backendId);
      // A machine that an injected fault made vanish was not removed by a worker.
      const isRemoved = now?.removeAskedAtMs !== undefined && !now.vanished;
      const text = `${backendId}, planted as ${whose}, was removed`;
      return isRemoved ? [violationBy('foreign', text, this.#lab.writers.of(machineKey(backendId)))] : [];
    });
    const parts = this.#parts.flatMap(({ backendId, atMs }): Violation[] => {
      const goneMs = goneAtMs.get(backendId);
      if (goneMs === undefined)
        return [{ kind: 'leaked', text: `network ${backendId} of an ended fleet was not removed` }];
      return goneMs < atMs + graceMs
        ? [{ kind: 'foreign', text: `${backendId} was removed ${goneMs - atMs} ms after it was planted` }]
        : [];
    });
    return [...removed, ...parts];
  }
}

interface Identity {
  name: string;
  tags: Record<string, string>;
  launchToken?: string | undefined;
  location?: string;
}

function identityOf(whose: 'another' | 'unmarked' | 'lost', at: number): Identity {
  const id = `${LOST_FLEET}-0000${at}`;
  const launchToken = `${id}.1`;
  if (whose === 'unmarked') return { name: `fw-${at}`, tags: {} };
  const deployment = whose === 'lost' ? DEPLOYMENT : `${DEPLOYMENT}-2`;
  return {
    name: machineName(deployment, launchToken),
    launchToken,
    tags: { [DEPLOYMENT_TAG]: deployment, [INSTANCE_TAG]: id },
  };
}
