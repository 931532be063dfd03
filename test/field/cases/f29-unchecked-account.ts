import assert from 'node:assert/strict';
import type { Credential } from '../../../functions/model/connection.ts';
import { putCredential } from '../../../functions/platform/secrets/stored-credentials.ts';
import { readConnection, updateConnection } from '../../../functions/platform/store/connections.ts';
import { Process } from '../../chaos/ground/process.ts';
import { NAMESPACE, SECRETS_PREFIX } from '../../chaos/world/lab.ts';
import type { FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';
import { running } from './f29-another-account.ts';

const HOUR_MS = 3_600_000;
const SIZE = 3;

/** Past the check: the credential in force is another account's for an hour. */
async function unchecked(at: AtDriver): Promise<void> {
  const { lab, stage, site, cloud, ground } = at;
  const fleet = await running(at);
  await force(at, cloud.other);
  await ground.sleep(HOUR_MS);
  await force(at, site.request.credential);
  lab.killWorkers('a new start');
  await ground.sleep(3 * HOUR_MS);
  assert.equal(cloud.removals(), 0, 'nothing is ended');
  assert.equal(cloud.standing().length, SIZE, 'all machines stand');
  const { counts } = await stage.read(fleet.id);
  assert.equal(counts.Running, SIZE, `all are seen again: ${JSON.stringify(counts)}`);
}

/** Puts a credential in force as if it had been verified. */
async function force({ lab }: AtDriver, credential: Credential): Promise<void> {
  const process = new Process('past the check', lab.ground, 0);
  const ssm = lab.parameters.clientOf(process);
  const store = lab.tables.storeOf(process);
  const connection = await readConnection(store, NAMESPACE, 'cloud');
  if (!connection) throw new Error('no connection');
  const credentialVersion = await putCredential(ssm, SECRETS_PREFIX, connection, credential);
  await updateConnection(store, NAMESPACE, 'cloud', { credentialVersion });
}

/** Was: all machines Vanished; when the credential was back, the sweep ended them 30 minutes later. */
export const f29Unchecked: FieldCase[] = atEveryDriver({
  id: 'F29-unchecked',
  title: 'where a credential of another account is in force for an hour all the same, nothing is ended',
  play: unchecked,
});
