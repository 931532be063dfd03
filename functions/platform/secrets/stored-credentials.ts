import {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterNotFound,
  ParameterVersionNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { DriverError } from '../../drivers/contract/errors.ts';
import { type Connection, type Credential, credentialSchema, secretText } from '../../model/connection.ts';

type ConnectionRef = Pick<Connection, 'driver' | 'namespace' | 'name' | 'id'>;

/**
 * Below its driver's own path, which that driver's function alone may read. With the connection's id: a request that
 * is late and meant for a connection that was deleted reaches no other that has its name.
 */
export function credentialParameter(prefix: string, { driver, namespace, name, id }: ConnectionRef): string {
  return `${prefix}/${driver}/${namespace}/${name}/${id}`;
}

/** @returns the version of the secret: versions that are older can still be read */
export async function putCredential(
  ssm: SSMClient,
  prefix: string,
  connection: ConnectionRef,
  credential: Credential,
): Promise<number> {
  const { Version } = await ssm.send(
    new PutParameterCommand({
      Name: credentialParameter(prefix, connection),
      Value: secretText(credential),
      Type: 'SecureString',
      Overwrite: true,
    }),
  );
  if (Version === undefined) throw new Error('the Parameter Store told no version');
  return Version;
}

/**
 * The credential in force, which is not always the latest: a rotation may be under way, or have been refused.
 *
 * @throws DriverError Unauthorized when there is none: the connection was deleted, or never finished
 */
export async function readCredential(
  ssm: SSMClient,
  prefix: string,
  connection: ConnectionRef & Pick<Connection, 'credentialVersion'>,
): Promise<Credential> {
  const { credentialVersion: version } = connection;
  const name = credentialParameter(prefix, connection);
  try {
    const { Parameter } = await ssm.send(
      new GetParameterCommand({
        Name: version === undefined ? name : `${name}:${version}`,
        WithDecryption: true,
      }),
    );
    return credentialSchema.parse(JSON.parse(Parameter?.Value ?? 'null'));
  } catch (error) {
    if (error instanceof ParameterNotFound || error instanceof ParameterVersionNotFound) {
      throw new DriverError('Unauthorized', `connection ${connection.name} has no credential`);
    }
    throw error;
  }
}

/** Deleting what is gone succeeds. */
export async function deleteCredential(
  ssm: SSMClient,
  prefix: string,
  connection: ConnectionRef,
): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name: credentialParameter(prefix, connection) }));
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
  }
}
