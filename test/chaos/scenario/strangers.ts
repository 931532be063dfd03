import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../../functions/drivers/contract/driver.ts';
import { machineName, resourceName } from '../../../functions/drivers/contract/names.ts';
import { parseFleetItem } from '../../../functions/platform/store/fleets.ts';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import { plantInstance, plantResource } from '../../../local/sim/engine/plant.ts';
import type { Violation } from '../invariants/violation.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import { Random } from '../time/random.ts';
import type { Lab } from '../world/lab.ts';
import type { Planted, Scenario } from './scenario.ts';

/** Ids that no fleet of a run has, whatever its seed. */
const LOST_FLEET = 'f0000000000000000';
/** A copy that is made so long after its original was accepted cannot be taken for what the same launch made. */
const COPY_AGE_MS = 20 * 60_000;

/** Something that stands at a cloud by no call of ours, and since when. */
interface Stranger {
  backendId: string;
  atMs: number;
}

/**
 * Machines that no fleet asked for: those of others, and copies of ours, must stay, whatever they carry. Network parts
 * that show up again after their fleet has ended are proven ours by its records: they must go, and not before their
 * time.
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

  /** All that a machine of ours carries, one that was made long ago, whether it is still there or not. */
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

  /** A network part of a fleet that has ended: a call that took its time has made it after all. */
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
        connectionKey === `default/${account}` &&
        ended.some(({ fleetId }) => pk === `NET#${fleetId}`),
    );
    // What an account that was out of sight has shown again, sweeps know already.
    const standing = new Set(
      clouds.sites.flatMap(({ resources }) => [...resources.values()].map(({ name }) => name)),
    );
    const absent = parts.filter(
      ({ name }) => !this.#names.has(String(name)) && !standing.has(resourceName(DEPLOYMENT, String(name))),
    );
    if (absent.length === 0) return;
    const { name, location } = this.#random.pick(absent);
    this.#names.add(String(name));
    const cloud = this.#scenario.connections.find((one) => one.name === account)?.cloud ?? '';
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

  check(goneAtMs: ReadonlyMap<string, number>): Violation[] {
    const { graceSeconds, skewMs } = this.#scenario;
    // Seen by one clock, removed by another.
    const graceMs = Math.max(0, graceSeconds * 1_000 - 2 * skewMs);
    const machines = new Map(this.#lab.clouds.machines().map((machine) => [machine.backendId, machine]));
    const removed = this.#machines.flatMap(({ whose, backendId }): Violation[] => {
      const now = machines.get(backendId);
      // A cloud's fault may have made any of them vanish.
      const isRemoved = now?.removeAskedAtMs !== undefined && !now.vanished;
      return isRemoved ? [{ kind: 'foreign', text: `${backendId} of ${whose} was removed` }] : [];
    });
    const parts = this.#parts.flatMap(({ backendId, atMs }): Violation[] => {
      const goneMs = goneAtMs.get(backendId);
      if (goneMs === undefined) return [{ kind: 'leaked', text: `the network ${backendId} stands` }];
      return goneMs < atMs + graceMs
        ? [{ kind: 'foreign', text: `${backendId} was removed ${goneMs - atMs} ms after it came` }]
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
