import type { Connection, Credential } from '../../../functions/model/connection.ts';
import type { Fleet, Instance } from '../../../functions/model/fleet.ts';
import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import type { NetworkChoice } from '../../../functions/model/network-choice.ts';
import type { Orphan, OrphanPolicy, Sweep, SweepHold } from '../../../functions/model/orphan.ts';
import type { Resource } from '../../../functions/model/resource.ts';
import { CALLER } from '../../chaos/world/caller.ts';
import { type Lab, NAMESPACE } from '../../chaos/world/lab.ts';
import type { Site } from './sites.ts';

const POLL_MS = 1_000;
const PATIENCE_MS = 30 * 60_000;
/** Time in ms after which every eventually consistent read sees a write to the catalogue. */
const CATALOGUE_LAG_MS = 5_000;
const about = { query: {}, idempotencyKey: undefined };

/** Settings of a connection in addition to its site. */
export interface ConnectionTraits {
  limits?: LimitOverride;
  orphans?: OrphanPolicy;
  namespace?: string;
}

export type FleetTraits = Partial<
  Pick<FleetRequest, 'failurePolicy' | 'minimumInstances' | 'network'> & { instanceTimeoutSeconds: number }
>;

/** A user of the API. Each method rejects with the Problem if the API refuses the request. */
export class FieldUser {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async makeNamespace(name: string = NAMESPACE): Promise<void> {
    await this.#lab.requestAccess((api) => api.createNamespace({ ...about, params: {}, body: { name } }));
  }

  async removeNamespace(namespace: string): Promise<void> {
    await this.#lab.requestAccess((api) =>
      api.deleteNamespace({ ...about, params: { namespace }, body: undefined }),
    );
  }

  /** Creates a connection. Does not wait until it is Ready. */
  async makeConnection(
    name: string,
    { request }: Site,
    { namespace = NAMESPACE, ...traits }: ConnectionTraits = {},
  ): Promise<Connection> {
    const { body } = await this.#lab.requestConnections((api) =>
      api.createConnection({ ...about, params: { namespace }, body: { name, ...request, ...traits } }),
    );
    return body;
  }

  /** Creates a connection, and waits until it accepts fleets. */
  async connect(name: string, site: Site, traits: ConnectionTraits = {}): Promise<void> {
    await this.makeConnection(name, site, traits);
    await this.untilConnection(name, ({ status, failure, inventorySyncedAt }) => {
      if (status === 'Failed') throw new Error(`connection ${name} has failed: ${failure?.message}`);
      return status === 'Ready' && inventorySyncedAt !== undefined;
    });
    await this.#lab.ground.sleep(CATALOGUE_LAG_MS);
  }

  async connection(name: string): Promise<Connection> {
    const { body } = await this.#lab.requestConnections((api) =>
      api.getConnection({ ...about, params: this.#named(name), body: undefined }),
    );
    return body;
  }

  /** Reads a connection with what the cloud denies to its credential. */
  async health(name: string) {
    const { body } = await this.#lab.requestConnections((api) =>
      api.getConnection({ ...about, params: this.#named(name), body: undefined }),
    );
    return body;
  }

  async connections(namespace: string): Promise<Connection[]> {
    const { body } = await this.#lab.requestConnections((api) =>
      api.listConnections({ ...about, params: { namespace }, query: { limit: 100 }, body: undefined }),
    );
    return body.items;
  }

  async untilConnection(name: string, holds: (connection: Connection) => boolean): Promise<Connection> {
    return await this.#until(`connection ${name}`, () => this.connection(name), holds);
  }

  async removeConnection(name: string, query: { forgetDisks?: 'true' } = {}): Promise<void> {
    await this.#lab.requestConnections((api) =>
      api.deleteConnection({ ...about, query, params: this.#named(name), body: undefined }),
    );
  }

  async rotate(name: string, credential: Credential): Promise<Connection> {
    const { body } = await this.#lab.requestConnections((api) =>
      api.rotateCredential({ ...about, params: this.#named(name), body: { credential } }),
    );
    return body;
  }

  /** Sets the network of fleets that say nothing. Does not wait until it is verified. */
  async setNetwork(name: string, network: NetworkChoice): Promise<void> {
    await this.#lab.requestConnections((api) =>
      api.setConnectionNetwork({ ...about, params: this.#named(name), body: network }),
    );
  }

  /**
   * Reads the limits of a connection, including what the governor knows: slots in use and what is blocked.
   */
  async limits(name: string) {
    const { body } = await this.#lab.requestConnections((api) =>
      api.getLimits({ ...about, params: this.#named(name), body: undefined }),
    );
    return body;
  }

  /** Reads the inventory of a connection, with its quotas, and waits until everything was read. */
  async syncInventory(name: string): Promise<void> {
    const { inventorySyncedAt } = await this.connection(name);
    await this.#lab.requestConnections((api) =>
      api.syncInventory({ ...about, params: this.#named(name), body: undefined }),
    );
    await this.untilConnection(name, (one) => one.inventorySyncedAt !== inventorySyncedAt);
    await this.#lab.ground.sleep(CATALOGUE_LAG_MS);
  }

  /** Reads the texts of a connection's cloud that the driver does not understand. */
  async words(name: string) {
    const { body } = await this.#lab.requestConnections((api) =>
      api.getWords({ ...about, params: this.#named(name), body: undefined }),
    );
    return body.items;
  }

  /** Returns the request of a fleet with `size` instances at one site. */
  order(name: string, connection: string, site: Site, size: number, traits: FleetTraits = {}): FleetRequest {
    const { instanceTimeoutSeconds, ...fleet } = traits;
    return fleetRequestSchema.parse({
      name,
      ...fleet,
      nodeGroups: [
        {
          name: 'machines',
          size,
          connection,
          locations: [site.location],
          instanceType: site.instanceType,
          image: site.image,
          ssh: { allowFrom: '10.0.0.0/8' },
          ...(instanceTimeoutSeconds === undefined ? {} : { instanceTimeoutSeconds }),
        },
      ],
    });
  }

  async instances({ id }: Pick<Fleet, 'id'>): Promise<Instance[]> {
    const { body } = await this.#lab.request((api) =>
      api.listInstances({
        params: { namespace: NAMESPACE, fleet: id },
        query: { limit: 500 },
        body: undefined,
        idempotencyKey: undefined,
      }),
    );
    return body.items;
  }

  async instance(id: string): Promise<Instance> {
    const { body } = await this.#lab.request((api) =>
      api.getInstance({ ...about, params: { namespace: NAMESPACE, instance: id }, body: undefined }),
    );
    return body;
  }

  /** Sweeps all connections, and waits for the end of the sweep. */
  async sweep({ dryRun = false } = {}): Promise<Sweep> {
    const params = { namespace: NAMESPACE };
    const { body: begun } = await this.#lab.requestResources((api) =>
      api.sweepOrphans({ ...about, params, body: { dryRun } }),
    );
    const read = async () => {
      const { body } = await this.#lab.requestResources((api) =>
        api.getSweep({ ...about, params: { ...params, sweep: begun.id }, body: undefined }),
      );
      return body;
    };
    return await this.#until('the sweep', read, ({ status }) => status === 'Done');
  }

  async sweepHolds(): Promise<SweepHold[]> {
    const { body } = await this.#lab.requestResources((api) =>
      api.listSweepHolds({
        params: { namespace: NAMESPACE },
        query: { limit: 100 },
        body: undefined,
        idempotencyKey: undefined,
      }),
    );
    return body.items;
  }

  /** Continues sweeps that are on hold, as an operator does. */
  async continueSweeps(connection: string): Promise<void> {
    await this.#lab.requestResources((api) =>
      api.continueSweeps({
        params: { namespace: NAMESPACE },
        query: {},
        body: { connection },
        idempotencyKey: undefined,
        caller: CALLER,
      }),
    );
  }

  /** Lists the disks that are kept, or will be. */
  async volumes(): Promise<Resource[]> {
    const { body } = await this.#lab.requestResources((api) =>
      api.listResources({
        ...about,
        params: { namespace: NAMESPACE },
        query: { limit: 500, kind: 'volume' },
        body: undefined,
      }),
    );
    return body.items;
  }

  async removeVolume(volume: string): Promise<Resource> {
    const params = { namespace: NAMESPACE, volume };
    const { body } = await this.#lab.requestResources((api) =>
      api.removeVolume({ ...about, params, body: undefined }),
    );
    return body;
  }

  async orphans(): Promise<Orphan[]> {
    const { body } = await this.#lab.requestResources((api) =>
      api.listOrphans({
        params: { namespace: NAMESPACE },
        query: { limit: 500 },
        body: undefined,
        idempotencyKey: undefined,
      }),
    );
    return body.items;
  }

  async #until<Seen>(what: string, see: () => Promise<Seen>, holds: (seen: Seen) => boolean): Promise<Seen> {
    const { ground } = this.#lab;
    const deadlineMs = ground.now() + PATIENCE_MS;
    for (;;) {
      const seen = await see();
      if (holds(seen)) return seen;
      if (ground.now() > deadlineMs)
        throw new Error(`${what} did not reach the expected state; it is still ${JSON.stringify(seen)}`);
      await ground.sleep(POLL_MS);
    }
  }

  #named(connection: string) {
    return { namespace: NAMESPACE, connection };
  }
}
