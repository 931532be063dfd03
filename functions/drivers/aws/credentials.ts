import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { Credential } from '../../model/connection.ts';
import { DriverError } from '../contract/errors.ts';
import { ask, type Surroundings } from './ask.ts';
import type { ClientSettings } from './settings.ts';

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** Returns the keys that are valid now. */
export interface KeySource {
  (): Promise<Keys>;
  /** Drops the cached keys of a role. @returns false if the keys cannot be renewed */
  forget(): boolean;
}

const SESSION_SECONDS = 3_600;
/** A role's keys are replaced this many ms before they expire. */
const SPARE_MS = 300_000;
/** Maximum length of a session's name at AWS. A longer name is cut. */
const MAX_SESSION_NAME = 64;

/**
 * Returns the function from which the SDK clients get a connection's keys. The clients of all regions share a role's
 * keys until shortly before the keys expire.
 *
 * @param onKeys is called with a role's keys before a client uses the keys
 */
export function keysOf(
  credential: Credential,
  settings: ClientSettings,
  deploymentId: string,
  surroundings: Surroundings,
  onKeys: (keys: Keys) => void = () => undefined,
): KeySource {
  const { accessKeyId, secretAccessKey, sessionToken, roleArn, externalId } = credential;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    return Object.assign(async () => keys, { forget: () => false });
  }
  if (roleArn === undefined || externalId === undefined) {
    throw new DriverError(
      'InvalidRequest',
      'the credential has neither a role nor an access key: give the fields of one of them',
    );
  }
  const role = {
    RoleArn: roleArn,
    ExternalId: externalId,
    RoleSessionName: `fleetwright-${deploymentId}`.slice(0, MAX_SESSION_NAME),
    DurationSeconds: SESSION_SECONDS,
  };
  // Without credentials in its settings, this client uses the credentials of the Lambda function.
  const sts = new STSClient(settings);
  let kept: { sinceMs: number; untilMs: number; keys: Promise<Keys> } | undefined;
  const read = () => {
    if (kept && kept.untilMs > surroundings.clock.now()) return kept.keys;
    const keys = assume(sts, role, surroundings).then((made) => {
      onKeys(made);
      return made;
    });
    const sinceMs = surroundings.clock.now();
    const entry = { sinceMs, untilMs: sinceMs + SESSION_SECONDS * 1_000 - SPARE_MS, keys };
    kept = entry;
    keys.then(
      ({ expiration }) => {
        if (expiration) entry.untilMs = expiration.getTime() - SPARE_MS;
      },
      () => {
        if (kept === entry) kept = undefined;
      },
    );
    return keys;
  };
  const forget = () => {
    // Many calls with the same expired keys may fail together. Only the first one drops the keys.
    if (kept && kept.sinceMs + SPARE_MS < surroundings.clock.now()) kept = undefined;
    return true;
  };
  return Object.assign(read, { forget });
}

async function assume(
  sts: STSClient,
  role: ConstructorParameters<typeof AssumeRoleCommand>[0],
  surroundings: Surroundings,
): Promise<Keys> {
  const call = { action: 'sts:AssumeRole', kind: 'sign-in', location: undefined } as const;
  const { Credentials } = await ask(surroundings, call, (options) =>
    sts.send(new AssumeRoleCommand(role), options),
  );
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
    throw new DriverError('Unavailable', 'sts:AssumeRole: the answer has no keys');
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration ? { expiration: Expiration } : {}),
  };
}
