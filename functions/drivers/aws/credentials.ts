import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { Credential } from '../../model/connection.ts';
import { DriverError } from '../contract/errors.ts';
import { type DriverClock, systemTime } from '../contract/surroundings.ts';
import { driverErrorOf } from './errors.ts';
import { type ClientSettings, inTime } from './settings.ts';

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

const SESSION_SECONDS = 3_600;
/** A role's keys are fetched anew when they are this close to their end. */
const SPARE_MS = 300_000;
/** AWS's limit for a session's name. */
const MAX_SESSION_NAME = 64;

/**
 * Where a connection's keys come from. Those of a role are kept until shortly before they end, by all regions'
 * clients together.
 *
 * @param onKeys is told a role's keys before they are used
 */
export function keysOf(
  credential: Credential,
  settings: ClientSettings,
  deploymentId: string,
  clock: DriverClock = systemTime,
  onKeys: (keys: Keys) => void = () => undefined,
): () => Promise<Keys> {
  const { accessKeyId, secretAccessKey, sessionToken, roleArn, externalId } = credential;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    return async () => keys;
  }
  if (roleArn === undefined || externalId === undefined) {
    throw new DriverError('InvalidRequest', 'the credential has neither a role nor an access key');
  }
  const role = {
    RoleArn: roleArn,
    ExternalId: externalId,
    RoleSessionName: `fleetwright-${deploymentId}`.slice(0, MAX_SESSION_NAME),
    DurationSeconds: SESSION_SECONDS,
  };
  // Without credentials of its own this client has those of the function.
  const sts = new STSClient(settings);
  let kept: { untilMs: number; keys: Promise<Keys> } | undefined;
  return () => {
    if (kept && kept.untilMs > clock.now()) return kept.keys;
    const keys = assume(sts, role, clock).then((made) => {
      onKeys(made);
      return made;
    });
    const entry = { untilMs: clock.now() + SESSION_SECONDS * 1_000 - SPARE_MS, keys };
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
}

async function assume(
  sts: STSClient,
  role: ConstructorParameters<typeof AssumeRoleCommand>[0],
  clock: DriverClock,
): Promise<Keys> {
  try {
    const { Credentials } = await inTime(clock, (options) => sts.send(new AssumeRoleCommand(role), options));
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) {
      throw new DriverError('Unavailable', 'sts:AssumeRole: an answer without keys');
    }
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...(Expiration ? { expiration: Expiration } : {}),
    };
  } catch (error) {
    // Makes nothing but keys that end by themselves, so that an unknown outcome does no harm.
    throw driverErrorOf(error, 'sts:AssumeRole', 'reads');
  }
}
