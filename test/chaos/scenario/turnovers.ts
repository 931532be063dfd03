import { ENDPOINT, limitsOf } from '../models/clouds.ts';
import { type Lab, NAMESPACE } from '../world/lab.ts';
import type { Client } from './client.ts';
import type { Turnover } from './draw-turnovers.ts';
import type { Scenario } from './scenario.ts';

const POLL_MS = 1_000;
/**
 * Maximum wait in ms for a connection to be Ready. The connection may have been deleted while it was being
 * created.
 */
const READY_WITHIN_MS = 4 * 60_000;
const FLEETS_LAST_MS = 60_000;

/** Creates and deletes connections. Each request that sets a credential uses a secret of its own. */
export class Turnovers {
  readonly #lab: Lab;
  readonly #client: Client;
  readonly #scenario: Scenario;

  constructor(lab: Lab, client: Client, scenario: Scenario) {
    this.#lab = lab;
    this.#client = client;
    this.#scenario = scenario;
  }

  async play(): Promise<void> {
    await Promise.all((this.#scenario.turnovers ?? []).map((turnover) => this.#play(turnover)));
  }

  async #play(turnover: Turnover): Promise<void> {
    const { name, namespace: whose, creates, rotations, fleets, deletes, atMs, withinMs } = turnover;
    const client = this.#client;
    const namespace = whose === 'own' ? `of-${name}` : NAMESPACE;
    const params = { namespace, connection: name };
    await this.#lab.ground.sleep(atMs);
    if (whose === 'own') await client.createNamespace(namespace);
    await this.#together(withinMs, [
      ...times(creates, (at) =>
        client.createConnection(namespace, requestOf(this.#scenario, turnover, `create-${at}`)),
      ),
      ...(whose === 'own' ? [() => client.deleteNamespace(namespace)] : []),
    ]);
    await this.#untilReady(namespace, name);
    const made: (string | undefined)[] = [];
    await this.#together(withinMs, [
      ...times(rotations, (at) => client.rotate(params, { account: name, apiKey: `rotation-${at}` })),
      ...fleets.map((request) => async () => {
        made.push(await client.create({ request }, `key-${request.name}`));
      }),
      ...times(deletes, () => client.deleteConnection(params)),
    ]);
    await this.#lab.ground.sleep(FLEETS_LAST_MS);
    await Promise.all(made.map((fleetId) => fleetId && client.remove(fleetId)));
    await client.deleteConnection(params);
    if (whose === 'default') return;
    await client.deleteNamespace(namespace);
    await client.createNamespace(namespace);
  }

  /** Begins each request at a random moment within `withinMs`, and waits for all requests. */
  async #together(withinMs: number, asks: readonly (() => Promise<void>)[]): Promise<void> {
    const { ground } = this.#lab;
    await Promise.all(
      asks.map(async (ask) => {
        await ground.sleep(ground.random.int(0, withinMs));
        await ask();
      }),
    );
  }

  async #untilReady(namespace: string, name: string): Promise<void> {
    const { ground, tables } = this.#lab;
    const untilMs = ground.now() + READY_WITHIN_MS;
    // Reads the tables directly, so that no fault hits this wait.
    const items = () => tables.access.all();
    while (ground.now() < untilMs) {
      const isReady = items().some(
        (item) =>
          item['namespace'] === namespace &&
          item['name'] === name &&
          item['status'] === 'Ready' &&
          item['inventorySyncedAt'] !== undefined,
      );
      if (isReady) return;
      await ground.sleep(POLL_MS);
    }
  }
}

/** Returns the request that creates the connection, with `apiKey` in its credential. */
export function requestOf(
  { clouds }: Pick<Scenario, 'clouds'>,
  { name, cloud }: Pick<Turnover, 'name' | 'cloud'>,
  apiKey: string,
) {
  const config = clouds[cloud];
  if (!config) throw new Error(`the scenario has no cloud ${cloud}`);
  return {
    name,
    driver: 'sim' as const,
    cloud,
    endpoint: ENDPOINT,
    credential: { account: name, apiKey },
    limits: limitsOf(config),
  };
}

const times = (count: number, ask: (at: number) => Promise<void>) =>
  Array.from({ length: count }, (_, at) => () => ask(at));
