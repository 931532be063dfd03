import type { Credential } from '../../../functions/model/connection.ts';
import { putCredential } from '../../../functions/platform/secrets/stored-credentials.ts';
import { readConnection } from '../../../functions/platform/store/connections.ts';
import { updateConnection } from '../../../functions/platform/store/update-connection.ts';
import { Process } from '../../chaos/ground/process.ts';
import { NAMESPACE, SECRETS_PREFIX } from '../../chaos/world/lab.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';
import { running } from './f29-another-account.ts';

const HOUR_MS = 3_600_000;
const SIZE = 3;

/** Makes the connection use a credential of another account for an hour, without the check of a rotation. */
async function unchecked(at: AtDriver): Promise<void> {
  const { lab, stage, site, cloud, ground } = at;
  const fleet = await running(at);
  await force(at, cloud.other);
  await ground.sleep(HOUR_MS);
  await force(at, site.request.credential);
  lab.killWorkers('a new start');
  await ground.sleep(3 * HOUR_MS);
  assertIs('removals', cloud.removals(), 0);
  assertIs('machines at the cloud', cloud.standing().length, SIZE);
  const { counts } = await stage.read(fleet.id);
  assertIs(`running instances among ${JSON.stringify(counts)}`, counts.Running, SIZE);
}

/** Makes the connection use a credential as if a worker had verified it. */
async function force({ lab }: AtDriver, credential: Credential): Promise<void> {
  const process = new Process('past the check', lab.ground, 0);
  const ssm = lab.parameters.clientOf(process);
  const store = lab.tables.storeOf(process);
  const connection = await readConnection(store, NAMESPACE, 'cloud');
  if (!connection) throw new Error('the connection has no record');
  const credentialVersion = await putCredential(ssm, SECRETS_PREFIX, connection, credential);
  await updateConnection(store, connection, { credentialVersion });
}

/**
 * Before the fix, all machines were marked Vanished. 30 minutes after the connection used its first
 * credential again, the sweep removed the machines.
 */
export const f29Unchecked: FieldCase[] = atEveryDriver({
  id: 'F29-unchecked',
  title: 'no machine is removed after a connection used a credential of another account for an hour',
  play: unchecked,
});
