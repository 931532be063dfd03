import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import type { ConnectionRequest, Credential } from '../../../functions/model/connection.ts';
import type { Instance } from '../../../functions/model/fleet.ts';
import type { FleetActionRequest } from '../../../functions/model/fleet-action.ts';
import type { InstanceRequest } from '../../../functions/model/fleet-request.ts';
import { type Lab, NAMESPACE } from '../world/lab.ts';
import type { FleetScript } from './draw-fleets.ts';

/** Maximum number of attempts of a request. They take longer than any outage of a table. */
const MAX_TRIES = 400;

const PLAIN = { query: {}, body: undefined, idempotencyKey: undefined };

interface ConnectionParams {
  namespace: string;
  connection: string;
}

/** A user of the API who repeats each request until an answer arrives. A Problem counts as an answer. */
export class Client {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Creates a fleet. @returns the fleet's id; undefined if the API refused the request permanently */
  async create(
    { request }: Pick<FleetScript, 'request'>,
    idempotencyKey: string,
  ): Promise<string | undefined> {
    return await this.#insist(async () => {
      const answer = await this.#lab.request(({ createFleet }) =>
        createFleet({ params: { namespace: NAMESPACE }, query: {}, body: request, idempotencyKey }),
      );
      return answer.body.id;
    });
  }

  /**
   * Asks for one instance, and measures how long the last attempt took.
   *
   * @param waitSeconds how long the answer may wait for the instance to run; absent: the request does not wait
   * @returns undefined if the API refused the request permanently
   */
  async createInstance(
    body: InstanceRequest,
    idempotencyKey: string,
    waitSeconds?: number,
  ): Promise<{ instance: Instance; tookMs: number; isWaited: boolean } | undefined> {
    const { ground } = this.#lab;
    return await this.#insist(async () => {
      const askedAtMs = ground.now();
      const { body: instance, headers } = await this.#lab.request(({ createInstance }) =>
        createInstance({
          params: { namespace: NAMESPACE },
          query: {},
          body,
          idempotencyKey,
          ...(waitSeconds === undefined ? {} : { waitSeconds }),
        }),
      );
      if ('items' in instance) throw new TypeError('the answer to a request for one instance is a list');
      const isWaited = headers !== undefined && 'preference-applied' in headers;
      return { instance, tookMs: ground.now() - askedAtMs, isWaited };
    });
  }

  async removeInstance(instance: string): Promise<void> {
    const params = { namespace: NAMESPACE, instance };
    await this.#insist(() => this.#lab.request(({ deleteInstance }) => deleteInstance({ ...PLAIN, params })));
  }

  async remove(fleetId: string): Promise<void> {
    await this.#insist(async () => {
      await this.#lab.request(({ deleteFleet }) =>
        deleteFleet({
          params: { namespace: NAMESPACE, fleet: fleetId },
          query: {},
          body: undefined,
          idempotencyKey: undefined,
        }),
      );
    });
  }

  /** Requests an action. A refusal counts as an answer. */
  async act(fleetId: string, body: FleetActionRequest): Promise<void> {
    await this.#insist(async () => {
      await this.#lab.request(({ actOnFleet }) =>
        actOnFleet({
          params: { namespace: NAMESPACE, fleet: fleetId },
          query: {},
          body,
          idempotencyKey: undefined,
        }),
      );
    });
  }

  /**
   * Continues the sweeps of a connection that are on hold.
   *
   * @returns the number of holds that the request ended
   */
  async continueSweeps(connection: string): Promise<number> {
    const ended = await this.#insist(async () => {
      const { body } = await this.#lab.requestResources(({ continueSweeps }) =>
        continueSweeps({
          params: { namespace: NAMESPACE },
          query: {},
          body: { connection },
          idempotencyKey: undefined,
        }),
      );
      return body.continued.length;
    });
    return ended ?? 0;
  }

  async createNamespace(name: string): Promise<void> {
    await this.#insist(() =>
      this.#lab.requestAccess((api) => api.createNamespace({ ...PLAIN, params: {}, body: { name } })),
    );
  }

  /**
   * Deletes a namespace. A refusal counts as an answer, for instance because the namespace has connections.
   */
  async deleteNamespace(namespace: string): Promise<void> {
    await this.#insist(() =>
      this.#lab.requestAccess((api) => api.deleteNamespace({ ...PLAIN, params: { namespace } })),
    );
  }

  async createConnection(namespace: string, body: ConnectionRequest): Promise<void> {
    await this.#insist(() =>
      this.#lab.requestConnections((api) => api.createConnection({ ...PLAIN, params: { namespace }, body })),
    );
  }

  async rotate(params: ConnectionParams, credential: Credential): Promise<void> {
    await this.#insist(() =>
      this.#lab.requestConnections((api) => api.rotateCredential({ ...PLAIN, params, body: { credential } })),
    );
  }

  async deleteConnection(params: ConnectionParams): Promise<void> {
    await this.#insist(() =>
      this.#lab.requestConnections((api) => api.deleteConnection({ ...PLAIN, params })),
    );
  }

  async #insist<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    const { ground } = this.#lab;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      try {
        return await ask();
      } catch (error) {
        ground.trace.add(
          'client',
          `was answered ${error instanceof Error ? `${error.name}: ${error.message}` : error}`,
        );
        if (error instanceof Problem) return undefined;
      }
      await ground.sleep(ground.random.int(500, 5_000));
    }
    throw new Error(`the API did not answer ${MAX_TRIES} times in a row`);
  }
}
