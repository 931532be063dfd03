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
 * Keeps the private half of a fleet's SSH key as a SecureString, where its owner reads it with rights of their own
 * in the account; no function of ours may.
 *
 * @returns the parameter's name with the version that this key has in it: whoever keeps another one at the same time
 *   makes another version, and takes nothing away
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

/** Forgetting what is gone succeeds. */
export async function forgetSshKey(ssm: SSMClient, prefix: string, fleetId: string): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name: parameterName(prefix, fleetId) }));
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
  }
}
