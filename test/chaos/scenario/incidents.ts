import { type Lab, NAMESPACE } from '../world/lab.ts';
import type { Incident } from './scenario.ts';

/** Takes a location away from a cloud, or gives it back. */
export function setLocation({ clouds }: Lab, cloud: string, location: string, up: boolean): void {
  clouds.engine.world.commit({ kind: 'location', cloud, location, up });
}

/** Has a cloud refuse a connection's credential. */
export function revoke({ clouds }: Lab, account: string): void {
  clouds.engine.world.commit({ kind: 'account', account, rule: { revoked: true } });
}

/** Has the cloud take it again, of which the connection's owner makes sure. */
export function restore(lab: Lab, account: string): void {
  lab.clouds.engine.world.commit({ kind: 'account', account, rule: { revoked: false } });
  verify(lab, account);
}

export function verify({ queue }: Lab, connection: string): void {
  queue.send(JSON.stringify({ kind: 'verify', connectionKey: `${NAMESPACE}/${connection}` }), 0);
}

/** Asks the API to rotate a connection's credential to one of this account. */
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

/** What befalls a cloud for a while, but no longer than the trouble lasts. */
export async function befall(lab: Lab, incident: Incident, troubleMs: number): Promise<void> {
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
