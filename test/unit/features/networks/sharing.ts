import type { FleetSpec } from '../../../../functions/model/fleet.ts';
import { layOut } from '../../../../functions/platform/placement/lay-out.ts';
import { fleetKey, specKey } from '../../../../functions/platform/store/keys.ts';
import { readNetworkPartition } from '../../../../functions/platform/store/networks.ts';
import {
  endPlacement,
  openPlacement,
  pausePlacement,
} from '../../../../functions/platform/store/placements.ts';
import { readShared } from '../../../../functions/platform/store/shared-networks.ts';
import type { MessageResult } from '../../../../functions/platform/worker/context.ts';
import type {
  PrepareNetworksMessage,
  RemovalScope,
  RemoveNetworksMessage,
} from '../../../../functions/platform/workflow/messages.ts';
import { CONNECTION, EAST, NOON, OneFleet, type Worker } from '../one-fleet/one-fleet.ts';

export const SHOP = 'f1kdvdnc4jyfcshop';
export const NEWS = 'f1kdvdnc4jyfcnews';

/** Fleets that share the networks of one connection. */
export class Sharing {
  readonly #world: OneFleet;
  readonly #specs = new Map<string, FleetSpec>();
  #tokens = 0;

  private constructor(world: OneFleet) {
    this.#world = world;
  }

  static async open(): Promise<Sharing> {
    const world = await OneFleet.open();
    let draws = 0;
    world.draw = () => {
      draws += 1;
      return (draws * 0.618_034) % 1;
    };
    return new Sharing(world);
  }

  get world(): OneFleet {
    return this.#world;
  }

  /**
   * Adds a fleet whose launching is on at `east`.
   *
   * @param ssh for each node group the CIDR from which SSH is allowed, or `closed`
   */
  async addFleet(fleetId: string, ssh: readonly string[] = ['closed'], location = 'east'): Promise<void> {
    const nodeGroups = ssh.map((allowFrom, at) => ({
      ...this.#group,
      name: `group-${at}`,
      locations: [location],
      ...(allowFrom === 'closed' ? {} : { ssh: { allowFrom } }),
    }));
    const network = { connection: 'cloud', location, network: { mode: 'shared' as const } };
    await this.#add({ ...this.#names(fleetId), nodeGroups, networks: [network] });
  }

  /** Adds a fleet that uses an existing network at each of its locations. */
  async addGivenFleet(fleetId: string, locations: readonly string[]): Promise<void> {
    const networks = locations.map((location) => ({
      connection: 'cloud',
      location,
      network: {
        mode: 'existing' as const,
        given: { networkId: `net-${location}`, securityGroupIds: ['sg-1'] },
        pointer: `/network/existing/${location}`,
      },
    }));
    const group = { ...this.#group, locations: [...locations], size: locations.length };
    await this.#add({ ...this.#names(fleetId), nodeGroups: [group], networks });
  }

  #names(fleetId: string): Pick<FleetSpec, 'fleetId' | 'namespace' | 'name'> {
    return { fleetId, namespace: 'default', name: fleetId };
  }

  get #group(): FleetSpec['nodeGroups'][number] {
    const [base] = this.#world.spec.nodeGroups;
    if (!base) throw new Error('the spec has no node group');
    return base;
  }

  async #add(spec: FleetSpec): Promise<void> {
    const { fleetId } = spec;
    this.#specs.set(fleetId, spec);
    this.#world.put('fleets', { ...specKey(fleetId), ...spec });
    this.#world.put('fleets', {
      ...fleetKey(fleetId),
      fleetId,
      namespace: 'default',
      name: fleetId,
      labels: {},
      status: 'Creating',
      failurePolicy: 'continue',
      requested: spec.nodeGroups.length,
      connections: ['cloud'],
      round: 1,
      execution: 1,
      workSinceMs: NOON,
      interruptions: 0,
      sshPublicKey: 'ssh-rsa AAAA',
      createdAt: new Date(NOON).toISOString(),
    });
    await this.openLaunching(fleetId, 1);
  }

  async openLaunching(fleetId: string, round: number): Promise<void> {
    for (const placement of this.#placements(fleetId))
      await openPlacement(this.#world.store, fleetId, placement, round);
  }

  #placements(fleetId: string) {
    const spec = this.#specs.get(fleetId);
    if (!spec) throw new Error(`there is no fleet ${fleetId}`);
    return layOut(spec);
  }

  async endLaunching(fleetId: string): Promise<void> {
    for (const placement of this.#placements(fleetId))
      await endPlacement(this.#world.store, fleetId, placement);
  }

  async pauseLaunching(fleetId: string): Promise<void> {
    for (const placement of this.#placements(fleetId))
      await pausePlacement(this.#world.store, fleetId, placement, 1);
  }

  prepareMessage(fleetId: string, location = 'east'): PrepareNetworksMessage {
    this.#tokens += 1;
    const taskToken = `prepare-${this.#tokens}`;
    return { kind: 'prepare-networks', fleetId, connectionKey: CONNECTION, location, taskToken };
  }

  #removeMessage(
    fleetId: string,
    round: RemoveNetworksMessage['round'],
    scope: RemovalScope,
    location: string,
  ): RemoveNetworksMessage {
    this.#tokens += 1;
    const taskToken = `remove-${this.#tokens}`;
    return { kind: 'remove-networks', fleetId, connectionKey: CONNECTION, location, taskToken, scope, round };
  }

  /** Prepares the networks of a fleet until its task is completed. The worker dies at most once. */
  async prepare(fleetId: string, first = this.#world.worker, location = 'east'): Promise<void> {
    await this.#toEnd(this.prepareMessage(fleetId, location), first);
  }

  /** Runs both rounds of a removal. The worker dies at most once. */
  async remove(
    fleetId: string,
    { worker = this.#world.worker, scope = 'fleet' as RemovalScope, location = 'east' } = {},
  ): Promise<void> {
    for (const round of ['access', 'network'] as const)
      await this.#toEnd(this.#removeMessage(fleetId, round, scope, location), worker);
  }

  async #toEnd(message: PrepareNetworksMessage | RemoveNetworksMessage, first: Worker): Promise<void> {
    for (let delivery = 1; delivery <= 60; delivery += 1) {
      const worker = first.isDead ? this.#world.worker : first;
      const result: MessageResult | 'died' = await this.#world.handle(message, worker);
      if (result === 'died') this.#world.nowMs += 40_000;
      else if (result.done) return;
      else this.#world.nowMs += Math.max(1, result.waitMs);
    }
    throw new Error(`${message.kind} of ${message.fleetId} did not end`);
  }

  /** Delivers the messages that remove unused resources, until none is left. */
  async removeUnused(): Promise<void> {
    await this.#world.until(() => this.#world.sent('remove-unused').length === 0);
  }

  async heads(location = 'east') {
    return await readShared(this.#world.store, { ...EAST, location });
  }

  /** Returns what the shared resources of a site are, such as `network Ready 2`: kind, status and number of users. */
  async shared(location = 'east'): Promise<string[]> {
    return (await this.heads(location)).map(({ kind, status, users }) => `${kind} ${status} ${users}`).sort();
  }

  /** Returns the kinds of the resources that a fleet uses and shares. */
  async used(fleetId: string): Promise<string[]> {
    const { memberships } = await readNetworkPartition(this.#world.store, { fleetId });
    return memberships.flatMap(({ resources }) => resources.map(({ kind }) => kind)).sort();
  }

  /** Returns the version of a fleet's membership at `east`; undefined if the fleet has none. */
  async membershipVersion(fleetId: string): Promise<number | undefined> {
    const { memberships } = await readNetworkPartition(this.#world.store, { fleetId, ...EAST });
    return memberships[0]?.version;
  }

  /** Returns the kinds of the resources that exist at the cloud. */
  get standing(): string[] {
    return this.#world.cloud.resources.map(({ kind }) => kind).sort();
  }
}
