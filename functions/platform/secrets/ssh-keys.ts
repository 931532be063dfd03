import {
  DeleteParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';

function parameterName(prefix: string, fleetId: string): string {
  return `${prefix}/ssh/${fleetId}`;
}

/**
 * Stores the private half of a fleet's SSH key as a SecureString. The fleet's owner reads the key with their own
 * permissions in the AWS account; no function of the deployment may read it.
 *
 * @returns the parameter's name with the version of this key. The version can still be read after another key was
 *   stored under the same name
 */
export async function keepSshKey(
  ssm: SSMClient,
  prefix: string,
  fleetId: string,
  privateKey: string,
): Promise<string> {
  const name = parameterName(prefix, fleetId);
  const { Version } = await ssm.send(
    new PutParameterCommand({ Name: name, Value: privateKey, Type: 'SecureString', Overwrite: true }),
  );
  return Version === undefined ? name : `${name}:${Version}`;
}

/** Deletes a fleet's key. Succeeds also if the key does not exist. */
export async function forgetSshKey(ssm: SSMClient, prefix: string, fleetId: string): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name: parameterName(prefix, fleetId) }));
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
  }
}
