import { assignSites } from '../../functions/features/fleets/assignment.ts';
import { beginTermination } from '../../functions/features/fleets/begin-termination.ts';
import { finishTermination } from '../../functions/features/fleets/finish-termination.ts';
import { outcomeOf } from '../../functions/features/instances/next-step.ts';
import type { FleetSpec, NodeGroup } from '../../functions/model/fleet.ts';
import type { FailurePolicy } from '../../functions/model/fleet-request.ts';
import { instanceId, makeFleetId } from '../../functions/model/identifiers.ts';
import { groupAt, layOut, type Placement } from '../../functions/platform/placement/lay-out.ts';
import { type FleetItem, readFleetItem, readSpec } from '../../functions/platform/store/fleets.ts';
import { readInstances } from '../../functions/platform/store/instances.ts';
import { createFleet } from '../../functions/platform/store/new-fleet.ts';
import { readPlacement } from '../../functions/platform/store/placements.ts';
import type { Store } from '../../functions/platform/store/store.ts';
import type { RemovalScope } from '../../functions/platform/workflow/messages.ts';
import { readBooks } from '../../local/sim/engine/books.ts';
import type { SimServer } from '../../local/sim/serve.ts';
import type { OneProcess } from './one-process.ts';

export interface Asked {
  name: string;
  failurePolicy?: FailurePolicy;
  minimumInstances?: number;
  groups: { name: string; size: number; locations: string[]; minimumInstances?: number }[];
}

interface Begun {
  fleetId: string;
  placements: Placement[];
}

/** Performs the steps of the workflows for a fleet, with real tables, a real worker and simulated clouds. */
export class FleetRuns {
  readonly #store: Store;
  readonly #sim: () => SimServer;

  constructor(store: Store, sim: () => SimServer) {
    this.#store = store;
    this.#sim = sim;
  }

  /** Creates a fleet with one node group, and turns launching on for its first round. */
  begin = (process: OneProcess, name: string, size: number, locations: string[]): Promise<Begun> =>
    this.beginWith(process, { name, groups: [{ name: 'web', size, locations }] });

  beginWith = async (process: OneProcess, asked: Asked): Promise<Begun> => {
    const { name, failurePolicy = 'continue', minimumInstances, groups } = asked;
    const spec: FleetSpec = {
      fleetId: makeFleetId(Date.now(), Math.random),
      namespace: 'default',
      name,
      nodeGroups: await Promise.all(
        groups.map(
          async (group): Promise<NodeGroup> => ({
            ...group,
            connection: 'sim-aws',
            instanceType: 'm6i.large',
            image: 'ubuntu-24.04',
            driver: 'sim',
            cloud: 'aws',
            imageBackendIds: await imageIds(process, group.locations),
            pricesUsdPerHour: {},
          }),
        ),
      ),
    };
    await createFleet(this.#store, { connections: [], spec, request: { failurePolicy, minimumInstances } });
    await this.assignment(spec.fleetId, 1);
    return { fleetId: spec.fleetId, placements: layOut(spec) };
  };

  /** Performs the state Assign of an execution. */
  assignment = async (fleetId: string, execution: number) =>
    await assignSites(
      {
        store: this.#store,
        queueUrls: { sim: 'http://queue.invalid/sim' },
        makeKey: async () => ({ publicKey: 'ssh-rsa AAAA test', privateKey: 'none' }),
        keepPrivateKey: async () => '/test/ssh',
        forgetPrivateKey: async () => {},
      },
      { fleetId, execution },
    );

  /** Prepares the networks of each site that has instances. @returns the answer for each site */
  prepare = async (process: OneProcess, fleetId: string, placements: readonly Placement[]) => {
    const homes = placements.filter(({ count }) => count > 0);
    const tokens = homes.map(({ location }) => `net ${fleetId} ${location}`);
    homes.forEach((placement, at) => {
      // Send each message twice, as a queue may deliver it. The worker must make the resources once.
      for (let copy = 0; copy < 2; copy += 1) {
        process.send({ kind: 'prepare-networks', ...messageOf(fleetId, placement, tokens[at] ?? '') });
      }
    });
    await process.runUntil(() => tokens.every((token) => process.answers.has(token)), 20_000);
    return tokens.map((token) => process.answers.get(token)?.[0]);
  };

  /** Sends a launch message for each position in a round. @returns their task tokens, by position */
  sendLaunches = (process: OneProcess, { fleetId, placements }: Begun, round = 1, copies = 1): string[] =>
    placements.flatMap((placement) =>
      Array.from({ length: placement.count }, (_, at) => {
        const index = placement.first + at;
        const taskToken = `launch ${fleetId} ${index} ${round}`;
        for (let copy = 0; copy < copies; copy += 1) {
          process.send({ kind: 'launch', index, round, ...messageOf(fleetId, placement, taskToken) });
        }
        return taskToken;
      }),
    );

  /**
   * Sends the message that gives up the launch of a position.
   *
   * @returns its task token
   */
  sendGiveUp = (process: OneProcess, { fleetId, placements }: Begun, index: number, round = 1): string => {
    const placement = placements.find(({ first, count }) => index >= first && index < first + count);
    if (!placement) throw new Error(`no placement of the fleet has position ${index}`);
    const taskToken = `give-up ${fleetId} ${index} ${round}`;
    process.send({
      kind: 'give-up',
      index,
      round,
      code: 'States.Timeout',
      ...messageOf(fleetId, placement, taskToken),
    });
    return taskToken;
  };

  /**
   * Runs the worker until each of these tokens has an answer, and each launch among them has an outcome.
   *
   * @returns the first answer of each token, or the outcome of its launch
   */
  answersOf = async (process: OneProcess, tokens: readonly string[]) => {
    await process.runUntil(() => tokens.every((token) => process.answers.has(token)), 60_000);
    const untilMs = Date.now() + 60_000;
    for (;;) {
      const found = await Promise.all(tokens.map((token) => this.#outcomeOf(process, token)));
      if (found.every((one) => one !== undefined)) return found;
      if (Date.now() > untilMs) throw new Error('not every launch has an outcome after 60 s');
      const atMs = Date.now() + 50;
      await process.runUntil(() => Date.now() > atMs, 5_000);
    }
  };

  /** Returns the answer to a token, or the outcome of the launch that it stands for. Undefined: there is none yet. */
  async #outcomeOf(process: OneProcess, token: string): Promise<Record<string, unknown> | undefined> {
    const [kind, fleetId = '', position = ''] = token.split(' ');
    if (kind !== 'launch' && kind !== 'give-up') return process.answers.get(token)?.[0];
    const index = Number(position);
    const record = (await readInstances(this.#store, [{ fleetId, index }])).get(
      instanceId({ fleetId, index }),
    );
    const outcome = record && outcomeOf(record);
    if (outcome !== undefined) return { outcome };
    const home = groupAt(layOut(await readSpec(this.#store, fleetId)), index)?.placement;
    const site = record ?? home;
    if (!site) throw new Error(`the fleet has no position ${index}`);
    const placement = await readPlacement(this.#store, fleetId, site.connectionKey, site.location);
    const isOpen = record !== undefined && record.status !== 'Planned';
    return isOpen || placement?.launching === 'on' ? undefined : { outcome: 'Cancelled' };
  }

  launch = async (process: OneProcess, fleetId: string, placements: Placement[], copies = 1) =>
    await this.answersOf(process, this.sendLaunches(process, { fleetId, placements }, 1, copies));

  /**
   * Performs all steps of `terminate-fleet` in one scope.
   *
   * @returns the answer of the state FinishTermination
   */
  terminate = async (process: OneProcess, fleetId: string, scope: RemovalScope) => {
    const { execution } = await this.read(fleetId);
    const deps = { store: this.#store, queueUrls: { sim: 'http://queue.invalid/sim' } };
    const assignment = await beginTermination(deps, { fleetId, execution, scope });
    const sites = assignment.clouds.flatMap((cloud) => cloud.sites);
    for (const round of ['instances', 'access', 'network'] as const) {
      const tokens = sites.map(({ location }) => `${round} ${fleetId} ${location} ${execution}`);
      sites.forEach((site, at) => {
        const base = { ...messageOf(fleetId, site, tokens[at] ?? ''), scope };
        process.send(
          round === 'instances'
            ? { kind: 'terminate', ...base }
            : { kind: 'remove-networks', round, ...base },
        );
      });
      await this.answersOf(process, tokens);
    }
    return await finishTermination(
      { store: this.#store, forgetPrivateKey: async () => undefined },
      { fleetId, execution, scope },
    );
  };

  remove = async (process: OneProcess, fleetId: string): Promise<void> => {
    await this.terminate(process, fleetId, 'fleet');
  };

  read = async (fleetId: string): Promise<FleetItem> => {
    const fleet = await readFleetItem(this.#store, fleetId);
    if (!fleet) throw new Error(`fleet ${fleetId} has no record`);
    return fleet;
  };

  /** Returns what the simulated clouds report of one fleet's machines. */
  booksOf = (fleetId: string) => {
    const { clouds } = readBooks(this.#sim().engine.world);
    const instances = clouds.flatMap(({ location, instances: there }) =>
      there
        .filter(({ tags }) => tags['fleetwright:instance']?.startsWith(fleetId))
        .map((instance) => ({ ...instance, location })),
    );
    const alive = instances.filter(({ status }) => status !== 'Terminated');
    return {
      alive: alive.length,
      aliveAt: alive.map(({ location }) => location).toSorted(),
      ever: new Set(instances.map(({ backendId }) => backendId)).size,
      violations: clouds.reduce(
        (sum, cloud) => sum + Object.values(cloud.limitViolations).reduce((all, count) => all + count, 0),
        0,
      ),
      throttled: clouds.reduce((sum, cloud) => sum + cloud.throttled, 0),
    };
  };
}

const messageOf = (
  fleetId: string,
  { connectionKey, location }: Pick<Placement, 'connectionKey' | 'location'>,
  taskToken: string,
) => ({ fleetId, connectionKey, location, taskToken });

async function imageIds(process: OneProcess, locations: string[]): Promise<Record<string, string>> {
  const { client } = await process.context.open('sim/default/sim-aws');
  const ids: Record<string, string> = {};
  for (const location of locations) {
    const image = (await client.listImages(location)).find(({ name }) => name === 'ubuntu-24.04');
    if (image) ids[location] = image.backendId;
  }
  return ids;
}
