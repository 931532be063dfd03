import { listResources } from '../../../functions/features/networks/resource-view.ts';
import type { Location } from '../../../functions/model/cloud.ts';
import type { Connection } from '../../../functions/model/connection.ts';
import type { Fleet } from '../../../functions/model/fleet.ts';
import type { FleetAction } from '../../../functions/model/fleet-action.ts';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import { connectionKey } from '../../../functions/model/identifiers.ts';
import type { Resource } from '../../../functions/model/resource.ts';
import type { AwaitItem } from '../../../functions/platform/store/awaits.ts';
import { allLocations } from '../../../functions/platform/store/catalogue.ts';
import { readConnection } from '../../../functions/platform/store/connections.ts';
import { type FleetItem, readFleetItem } from '../../../functions/platform/store/fleets.ts';
import { type InstanceItem, readInstances } from '../../../functions/platform/store/instances.ts';
import { readFleetPartition } from '../../../functions/platform/store/placements.ts';
import type { Fault } from '../../../local/sim/engine/faults.ts';
import { volumesAt } from '../../../local/sim/engine/volumes.ts';
import { Process } from '../ground/process.ts';
import { MissedMachines } from '../invariants/missed-machines.ts';
import { type Lab, NAMESPACE } from '../world/lab.ts';
import { addFault } from './incidents.ts';

const POLL_MS = 500;
/** Maximum wait for a fleet, in ms. It is longer than all time limits of the fleets in tests. */
const PATIENCE_MS = 3 * 60 * 60_000;

/**
 * Offers a story (code of a test that runs in the simulation) the requests of a user, views of the tables and
 * the clouds, and faults to inject.
 */
export class Stage {
  readonly lab: Lab;
  readonly missed: MissedMachines;
  readonly #namespace: string;
  #requests = 0;

  constructor(lab: Lab, missed = new MissedMachines(), namespace = NAMESPACE) {
    this.lab = lab;
    this.missed = missed;
    this.#namespace = namespace;
  }

  /** Returns a stage whose user works in another namespace. */
  in(namespace: string): Stage {
    return new Stage(this.lab, this.missed, namespace);
  }

  /**
   * Creates a fleet.
   *
   * @throws Problem if the API refuses the request, as every method that calls the API does
   */
  async create(body: FleetRequest): Promise<Fleet> {
    this.#requests += 1;
    const idempotencyKey = `story-${this.#requests}`;
    const answer = await this.lab.request(({ createFleet }) =>
      createFleet({ params: { namespace: this.#namespace }, query: {}, body, idempotencyKey }),
    );
    return answer.body;
  }

  async read(fleetId: string): Promise<Fleet> {
    const answer = await this.lab.request(({ getFleet }) => getFleet(this.#about(fleetId)));
    return answer.body;
  }

  async remove(fleetId: string): Promise<Fleet> {
    const answer = await this.lab.request(({ deleteFleet }) => deleteFleet(this.#about(fleetId)));
    return answer.body;
  }

  async act(fleetId: string, action: FleetAction): Promise<Fleet> {
    const answer = await this.lab.request(({ actOnFleet }) =>
      actOnFleet({ ...this.#about(fleetId), body: { action } }),
    );
    return answer.body;
  }

  #about(fleet: string) {
    const params = { namespace: this.#namespace, fleet };
    return { params, query: {}, body: undefined, idempotencyKey: undefined };
  }

  /**
   * Reads the fleet until `holds` returns true for it.
   *
   * @returns that fleet
   * @throws Error after `PATIENCE_MS`
   */
  async until(fleetId: string, holds: (fleet: Fleet) => boolean): Promise<Fleet> {
    const { ground } = this.lab;
    const deadlineMs = ground.now() + PATIENCE_MS;
    for (;;) {
      const fleet = await this.read(fleetId);
      if (holds(fleet)) return fleet;
      if (ground.now() > deadlineMs)
        throw new Error(`fleet ${fleet.name} did not reach the expected state: ${JSON.stringify(fleet)}`);
      await ground.sleep(POLL_MS);
    }
  }

  async pass(minutes: number): Promise<void> {
    await this.lab.ground.sleep(minutes * 60_000);
  }

  async item(fleetId: string): Promise<FleetItem> {
    const item = await readFleetItem(this.#store(), fleetId);
    if (!item) throw new Error(`fleet ${fleetId} has no record`);
    return item;
  }

  async connection(name: string): Promise<Connection> {
    const found = await readConnection(this.#store(), NAMESPACE, name);
    if (!found) throw new Error(`connection ${name} has no record`);
    return found;
  }

  /** Returns the locations of a connection, as its catalogue has them. */
  async locations(name: string): Promise<Location[]> {
    return await allLocations(this.#store(), connectionKey(await this.connection(name)), true);
  }

  async records({ id, counts }: Fleet): Promise<InstanceItem[]> {
    const refs = Array.from({ length: counts.requested }, (_, index) => ({ fleetId: id, index }));
    return [...(await readInstances(this.#store(), refs)).values()];
  }

  /** Returns the workflow steps that wait for a fleet's launches. */
  async awaits(fleetId: string): Promise<AwaitItem[]> {
    return (await readFleetPartition(this.#store(), fleetId)).awaits;
  }

  /** Returns the network resources and key pairs of a fleet, as the API lists them. */
  async resources(fleetId: string): Promise<Resource[]> {
    const page = await listResources(this.#store(), NAMESPACE, [], { limit: 100 }, await this.item(fleetId));
    return page.items;
  }

  /** Returns the deployment's machines that the clouds have now. */
  standing() {
    return this.lab.clouds
      .machines()
      .filter(({ status, ours }) => ours !== undefined && status !== 'Terminated');
  }

  /** Returns the volumes that the clouds have now. */
  volumes() {
    const { sites, engine } = this.lab.clouds;
    return sites.flatMap((site) => volumesAt(site, engine.world.clock.now()));
  }

  /** Returns the times of create calls at the clouds from `sinceMs` on, in order. */
  creates(sinceMs = 0, location?: string): number[] {
    return this.lab.clouds.asked
      .filter((one) => one.call === 'create' && one.atMs >= sinceMs)
      .filter((one) => location === undefined || one.location === location)
      .map(({ atMs }) => atMs);
  }

  /** Injects a fault at the clouds. @returns a function that ends the fault */
  addFault(fault: Partial<Fault> & Pick<Fault, 'kind'>): () => void {
    return addFault(this.lab, fault);
  }

  #store() {
    return this.lab.tables.storeOf(new Process('user', this.lab.ground, 0));
  }
}
