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
 * Returns the name of a credential's parameter. The name is below the driver's own path, which only that driver's
 * function may read. It contains the connection's id, so that a late request for a deleted connection cannot reach
 * another connection with the same name.
 */
export function credentialParameter(prefix: string, { driver, namespace, name, id }: ConnectionRef): string {
  return `${prefix}/${driver}/${namespace}/${name}/${id}`;
}

/** Stores a credential. @returns the version of the secret. Older versions can still be read */
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
  if (Version === undefined) throw new Error('the Parameter Store answered without a version');
  return Version;
}

/**
 * Reads the credential in force. The Parameter Store may have a later version, whose rotation is under way or has
 * failed.
 *
 * @throws DriverError Unauthorized if there is no credential: the connection was deleted, or its secret was never
 *   stored
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
      throw new DriverError(
        'Unauthorized',
        `connection ${connection.name} has no credential in the secret store`,
      );
    }
    throw error;
  }
}

/** Deletes a connection's credential. Succeeds also if the credential does not exist. */
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
