import { fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { auditEntries, itemsOf } from '../invariants/check-access.ts';
import type { Violation } from '../invariants/violation.ts';
import { Lab, NAMESPACE } from '../world/lab.ts';
import { Client } from './client.ts';
import type { SecondWriterScript } from './draw-deployments.ts';
import type { Scenario } from './scenario.ts';
import { requestOf } from './turnovers.ts';

const MINUTE_MS = 60_000;
/**
 * Number of attempts to create a fleet, a minute apart. The API refuses them while the connection is being
 * verified.
 */
const ASKS = 10;
const SIZE = 3;

/** A second deployment with tables of its own. It must remove nothing and make nothing. */
export class SecondWriter {
  readonly #lab: Lab;
  readonly #scenario: Scenario;

  constructor({ ground, clouds }: Lab, scenario: Scenario, { writerId }: SecondWriterScript) {
    this.#scenario = scenario;
    this.#lab = new Lab(ground, { ...scenario, sharedClouds: clouds, writerId, onCloudEvent: () => {} });
  }

  /**
   * Starts the second deployment's schedules, creates its connection and requests a fleet. The schedules run
   * until the end of the run.
   */
  async play({ connection, atMs }: SecondWriterScript): Promise<void> {
    const { ground } = this.#lab;
    const known = this.#scenario.connections.find(({ name }) => name === connection);
    if (!known) throw new Error(`the scenario has no connection ${connection}`);
    await ground.sleep(atMs);
    ground.trace.add('scenario', `a second deployment begins at ${connection}`);
    ground.counts.secondWriters += 1;
    this.#lab.startSchedules();
    const client = new Client(this.#lab);
    await client.createNamespace(NAMESPACE);
    await client.createConnection(NAMESPACE, requestOf(this.#scenario, known, 'second'));
    const [location = ''] = Object.keys(this.#scenario.clouds[known.cloud]?.locations ?? {});
    const request = fleetOn(connection, location);
    for (let asks = 0; asks < ASKS; asks += 1) {
      if ((await client.create({ request }, 'key-of-second')) !== undefined) return;
      await ground.sleep(MINUTE_MS);
    }
  }

  check(): Violation[] {
    const { tables } = this.#lab;
    const removed = auditEntries(this.#lab, 'orphan.terminating');
    const made = itemsOf(tables.fleets)
      .filter(({ pk }) => pk.startsWith('INST#') || pk.startsWith('NET#'))
      .map(({ pk, sk }) => `${pk} ${sk}`);
    return [
      ...removed.map((key) => ({ kind: 'foreign' as const, text: `a second deployment removed ${key}` })),
      ...made.map((key) => ({ kind: 'foreign' as const, text: `a second deployment made ${key}` })),
    ];
  }

  /** Gives back the second deployment's document clients at the end of the run. */
  end(): void {
    this.#lab.tables.takeBack();
  }
}

function fleetOn(connection: string, location: string) {
  return fleetRequestSchema.parse({
    name: 'of-second',
    failurePolicy: 'continue',
    nodeGroups: [
      { name: 'all', size: SIZE, connection, locations: [location], instanceType: 'small', image: 'linux' },
    ],
  });
}
