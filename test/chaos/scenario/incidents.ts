import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import { type Fault, faultSchema } from '../../../local/sim/engine/faults.ts';
import { hideInstances } from '../../../local/sim/engine/plant.ts';
import type { MissedMachines } from '../invariants/missed-machines.ts';
import type { CloudWatch } from '../invariants/watch-clouds.ts';
import { foreignAccount } from '../models/clouds.ts';
import { type Lab, NAMESPACE } from '../world/lab.ts';
import type { Incident } from './draw-incidents.ts';
import { actOutside } from './outside.ts';
import { protect } from './protections.ts';

const MOST_TRIES = 100;

/** Takes a location of a cloud down, or brings it up again. */
export function setLocation({ clouds }: Lab, cloud: string, location: string, up: boolean): void {
  clouds.engine.world.commit({ kind: 'location', cloud, location, up });
}

/** Injects a fault at the clouds. @returns a function that ends the fault */
export function addFault({ clouds }: Lab, fault: Partial<Fault> & Pick<Fault, 'kind'>): () => void {
  const { engine } = clouds;
  const { id } = engine.addFault(faultSchema.parse(fault));
  const { faults } = engine.world.state;
  return () => {
    const now = faults.get(id);
    if (now) faults.set(id, { ...now, probability: 0 });
  };
}

/** Makes a cloud refuse a connection's credential. */
export function revoke({ clouds }: Lab, account: string): void {
  clouds.engine.world.commit({ kind: 'account', account, rule: { revoked: true } });
}

/** Makes the cloud accept the credential again, and requests a verification of the connection. */
export function restore(lab: Lab, account: string): void {
  lab.clouds.engine.world.commit({ kind: 'account', account, rule: { revoked: false } });
  verify(lab, account);
}

export function verify({ queue }: Lab, connection: string): void {
  queue.send(JSON.stringify({ kind: 'verify', connectionKey: `sim/${NAMESPACE}/${connection}` }), 0);
}

/** Requests a rotation of the connection's credential to a credential of this account. */
export async function rotate(lab: Lab, connection: string, account: string): Promise<void> {
  await lab.requestConnections(({ rotateCredential }) =>
    rotateCredential({
      params: { namespace: NAMESPACE, connection },
      query: {},
      body: { credential: { account } },
      idempotencyKey: undefined,
    }),
  );
}

/** Makes a cloud deny for `forMs` that any machine of a location exists. */
export function forget(
  { clouds, ground }: Lab,
  missed: MissedMachines,
  of: { cloud: string; connection: string; location: string },
  forMs: number,
): void {
  if (!(of.location in (clouds.engine.world.config.clouds[of.cloud]?.locations ?? {}))) return;
  missed.note(hideInstances(clouds.engine.world, of, ground.now() + forMs));
}

/**
 * Makes a connection's credential reach another account for `forMs`. No request tells the product about the
 * change.
 */
export async function changeAccount(
  { clouds, ground }: Lab,
  missed: MissedMachines,
  account: string,
  forMs: number,
): Promise<void> {
  const running = clouds.machines().filter((one) => one.account === account && one.status === 'Running');
  missed.note(running.filter(({ planted }) => !planted));
  // Machines that are created now are at the other account. No worker sees them after the credential changes
  // back.
  for (const out of [account, foreignAccount(account)]) missed.accounts.add(out);
  clouds.changedAccounts.add(account);
  await ground.sleep(forMs);
  clouds.changedAccounts.delete(account);
}

/** Repeats the rotation until an answer arrives. A refusal counts as an answer. */
async function insistOnRotation(lab: Lab, connection: string, account: string): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    try {
      return await rotate(lab, connection, account);
    } catch (error) {
      if (error instanceof Problem) return;
      await lab.ground.sleep(5_000);
    }
  }
}

function hasMachines({ clouds }: Lab, account: string): boolean {
  return clouds.machines().some((one) => one.account === account && one.status === 'Running' && !one.planted);
}

/**
 * Begins an incident at its `atMs`. Ends it at its `untilMs`, or at the end of the trouble if that is
 * earlier.
 */
export async function befall(
  lab: Lab,
  { missed, violations }: Pick<CloudWatch, 'missed' | 'violations'>,
  incident: Incident,
  troubleMs: number,
): Promise<void> {
  const { ground } = lab;
  await ground.sleep(incident.atMs);
  ground.trace.add('scenario', JSON.stringify(incident));
  const untilMs = Math.min(incident.untilMs, Math.max(troubleMs, incident.atMs));
  if (incident.kind === 'location-down') {
    const { cloud, location } = incident;
    setLocation(lab, cloud, location, false);
    await ground.sleep(untilMs - incident.atMs);
    setLocation(lab, cloud, location, true);
    return;
  }
  if (incident.kind === 'forgotten') {
    const { cloud, account: connection, location } = incident;
    return forget(lab, missed, { cloud, connection, location }, untilMs - incident.atMs);
  }
  if (incident.kind === 'empty-list') {
    lab.clouds.emptyNextList(incident);
    return;
  }
  if (incident.kind === 'protected') return await protect(lab, incident, untilMs, violations);
  if (incident.kind === 'network-quota') {
    const { cloud, location } = incident;
    const end = addFault(lab, { kind: 'quota', call: 'ensure', cloud, location });
    await ground.sleep(untilMs - incident.atMs);
    return end();
  }
  if (incident.kind === 'outside') {
    return await actOutside(lab, incident.cloud, incident.deed, untilMs - incident.atMs);
  }
  if (incident.kind === 'rotated') {
    const { connection, account } = incident;
    // A connection without machines accepts another account. No worker could then reach machines that a fault
    // left at the first account.
    if (!hasMachines(lab, connection)) return;
    await insistOnRotation(lab, connection, account);
    await ground.sleep(untilMs - incident.atMs);
    return await insistOnRotation(lab, connection, connection);
  }
  if (incident.kind === 'account-changed') {
    return await changeAccount(lab, missed, incident.account, untilMs - incident.atMs);
  }
  if (incident.kind === 'table-down') {
    lab.tables.down.add(incident.table);
    await ground.sleep(untilMs - incident.atMs);
    lab.tables.down.delete(incident.table);
    return;
  }
  revoke(lab, incident.account);
  await ground.sleep(untilMs - incident.atMs);
  restore(lab, incident.account);
}
