import type { Failure } from '../../model/failure.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { chooseRange, type TakenRange } from '../../platform/store/address-ranges.ts';
import { type Joining, joinShared, readMembership } from '../../platform/store/memberships.ts';
import type { Membership, NetworkKind } from '../../platform/store/networks.ts';
import { isHead, namespaceOf, readShared, type SharedItem } from '../../platform/store/shared-networks.ts';
import type { TransactItem } from '../../platform/store/transact.ts';
import { Contended } from '../../platform/store/versioned.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { identityFor, makeSharedName, NETWORK_IDENTITY } from './shared-names.ts';

/** A shared resource that a fleet needs at a site. */
export interface WantedShared
  extends Pick<SharedItem, 'identity' | 'namespace' | 'publicKey' | 'rules' | 'sshFrom'> {
  kind: NetworkKind;
  neededBy: string[];
}

/** Maximum number of resources that a fleet joins in one transaction, which may have 100 items. */
const JOINED_TOGETHER = 90;
const TRIES = 12;
const PAUSE_MS = 40;

/**
 * Makes a fleet a user of the shared resources that it needs at a site. A resource that no fleet uses yet gets a record,
 * and is made at the cloud later. Of two workers that write such a record at the same time, one succeeds; the other one
 * reads again and joins. A resource that is being removed is not joined: the fleet gets a new one.
 *
 * @returns `stopped` if launching is not on at the placement; a failure if the network can get no address range
 * @throws Contended if other workers changed the resources during every attempt
 */
export async function joinNetworks(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  wanted: readonly WantedShared[],
): Promise<'joined' | 'stopped' | { failure: Failure }> {
  const { store } = context;
  const ref = { fleetId, ...site };
  for (let attempt = 1; attempt <= TRIES; ) {
    const membership = await readMembership(store, ref);
    const allMissing = missingOf(wanted, membership);
    const missing = allMissing.slice(0, JOINED_TOGETHER);
    if (missing.length === 0) return 'joined';
    const heads = (await readShared(store, site)).filter(isHead);
    const joining = joiningOf(context, site, missing, heads);
    const range = await rangeOf(context, site, joining);
    if ('failure' in range) return range;
    const outcome = await joinShared(store, ref, membership, range.joining, range.writes);
    if (outcome === 'stopped') return 'stopped';
    if (outcome === 'joined' && missing.length === allMissing.length) return 'joined';
    if (outcome === 'joined') continue;
    await store.clock.sleep(store.random() * PAUSE_MS * attempt);
    attempt += 1;
  }
  throw new Contended(`shared networks at ${site.location}`);
}

/**
 * Makes a fleet a user again of the shared resources that it has left, because a machine of it is back that had vanished.
 * Joins only resources that still stand. A machine in a network that is being removed keeps it standing: the cloud
 * refuses the removal until the machine is gone. Does nothing if launching has ended at the placement.
 */
export async function rejoinNetworks(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  wanted: readonly WantedShared[],
): Promise<void> {
  const { store } = context;
  const ref = { fleetId, ...site };
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const membership = await readMembership(store, ref);
    const missing = missingOf(wanted, membership).slice(0, JOINED_TOGETHER);
    if (missing.length === 0) return;
    const heads = (await readShared(store, site)).filter(isHead);
    const joining = joiningOf(context, site, missing, heads).filter(({ isNew }) => !isNew);
    if (joining.length === 0) return;
    if ((await joinShared(store, ref, membership, joining, [], 'not-ended')) !== 'lost') return;
    await store.clock.sleep(store.random() * PAUSE_MS * attempt);
  }
  throw new Contended(`shared networks at ${site.location}`);
}

/** Returns the wanted resources that the membership does not name. The network comes first: the others are in it. */
function missingOf(wanted: readonly WantedShared[], membership: Membership | undefined): WantedShared[] {
  const known = new Set((membership?.resources ?? []).map(({ identity }) => identity));
  return wanted
    .filter(({ identity }) => !known.has(identity))
    .toSorted((one, other) => Number(other.kind === 'network') - Number(one.kind === 'network'));
}

function joiningOf(
  { store }: WorkerContext,
  site: SiteRef,
  missing: readonly WantedShared[],
  heads: readonly SharedItem[],
): Joining[] {
  const fresh = ({ neededBy: _, ...wanted }: WantedShared): SharedItem => ({
    ...site,
    ...wanted,
    name: makeSharedName(wanted.kind, store.clock.now(), store.random),
    status: 'Creating',
    failingSinceMs: 0,
    claimUntilMs: 0,
    users: 1,
    joins: 1,
    leftAtMs: 0,
    createdAt: isoTime(store.clock.now()),
  });
  const joining = missing.map((wanted): Joining => {
    const head = heads.find(({ identity }) => identity === wanted.identity);
    return { head: head ?? fresh(wanted), isNew: !head, neededBy: wanted.neededBy };
  });
  // The membership names the network, or the same transaction joins it. In both cases it stands.
  const networkIdentity = identityFor(NETWORK_IDENTITY, missing[0]?.namespace);
  const network = [...joining.map(({ head }) => head), ...heads].find(
    ({ identity }) => identity === networkIdentity,
  );
  return joining.map((one) =>
    one.isNew && one.head.kind === 'security-group' && network
      ? { ...one, head: { ...one.head, networkName: network.name } }
      : one,
  );
}

/** Chooses the address range of a network that is new. */
async function rangeOf(
  context: WorkerContext,
  site: SiteRef,
  joining: readonly Joining[],
): Promise<{ joining: readonly Joining[]; writes: TransactItem[] } | { failure: Failure }> {
  const fresh = joining.find(({ head, isNew }) => isNew && head.kind === 'network');
  if (!fresh) return { joining, writes: [] };
  const namespace = namespaceOf(fresh.head);
  const { pool } = context.sharedNetworks;
  const choice = await chooseRange(context.store, namespace, { ...site, name: fresh.head.name }, pool);
  if (choice === 'full') return { failure: noRange(pool) };
  if ('taken' in choice) return { failure: rangeTaken(choice) };
  const withRange = { ...fresh, head: { ...fresh.head, cidr: choice.cidr } };
  return { joining: joining.map((one) => (one === fresh ? withRange : one)), writes: [choice.write] };
}

const noRange = (pool: string): Failure => ({
  code: 'NoAddressRange',
  message: `the address pool ${pool} has no free range for another shared network: remove unused ones with fleetwright network remove --unused, or deploy with a larger NetworkPool`,
});

const rangeTaken = ({ cidr, taken }: { cidr: string; taken: TakenRange }): Failure => ({
  code: 'AddressRangeTaken',
  message: `the range ${cidr} of this site overlaps with ${taken.cidr} of ${parseConnectionKey(taken.connectionKey).name} at ${taken.location}: reserve another range, or wait until that network is removed`,
});
