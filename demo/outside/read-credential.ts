import { CliError, EXIT } from '../../cli/shell/exit.ts';
import type { Cloud } from '../../functions/model/cloud.ts';
import type { Credential } from '../../functions/model/connection.ts';
import type { OutsideCloud, OutsideDriver } from './read-clouds.ts';

/** One way to give a credential: the name of an environment variable for each field. */
interface Way {
  required: Readonly<Record<string, string>>;
  optional?: Readonly<Record<string, string>>;
}

interface Source {
  cloud: Cloud;
  ways: readonly [Way, ...Way[]];
  /** Fields that are the same for every user. */
  fixed?: Credential;
  /** Credential for a server on this machine, such as moto. Used if the variables are not set. */
  onThisMachine?: Credential;
}

/** The variables that each cloud's own tools read. */
const SOURCES: Readonly<Record<OutsideDriver, Source>> = {
  aws: {
    cloud: 'aws',
    ways: [
      {
        required: { accessKeyId: 'AWS_ACCESS_KEY_ID', secretAccessKey: 'AWS_SECRET_ACCESS_KEY' },
        optional: { sessionToken: 'AWS_SESSION_TOKEN' },
      },
    ],
    onThisMachine: { accessKeyId: 'AKIADEMO', secretAccessKey: 'demo' },
  },
  openstack: {
    cloud: 'openstack',
    ways: [
      {
        required: {
          applicationCredentialId: 'OS_APPLICATION_CREDENTIAL_ID',
          applicationCredentialSecret: 'OS_APPLICATION_CREDENTIAL_SECRET',
        },
      },
      {
        required: { username: 'OS_USERNAME', password: 'OS_PASSWORD', projectName: 'OS_PROJECT_NAME' },
        optional: { userDomainName: 'OS_USER_DOMAIN_NAME', projectDomainName: 'OS_PROJECT_DOMAIN_NAME' },
      },
    ],
  },
  'cb-spider': {
    // Every CB-Spider server has this cloud.
    cloud: 'mock',
    ways: [{ required: { username: 'SPIDER_USERNAME', password: 'SPIDER_PASSWORD' } }],
    fixed: { MockName: 'fleetwright-demo' },
  },
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the credential of a cloud. @throws CliError naming the variables that are missing */
export function readCredential(
  { driver, url }: OutsideCloud,
  env: Environment,
): { cloud: Cloud; credential: Credential } {
  const { cloud, ways, fixed, onThisMachine } = SOURCES[driver];
  const complete = ways.find(({ required }) => Object.values(required).every((name) => isSet(env[name])));
  if (complete) {
    return {
      cloud,
      credential: { ...valuesOf({ ...complete.required, ...complete.optional }, env), ...fixed },
    };
  }
  if (onThisMachine && isLoopback(url)) return { cloud, credential: onThisMachine };
  throw new CliError(
    EXIT.usage,
    'missing-variables',
    `driver ${driver} needs a credential in ${variablesText(driver)}`,
    "Set the variables as for that cloud's own tools, and run the command again.",
    {
      details: ways.flatMap(({ required }) =>
        Object.values(required).flatMap((name) =>
          isSet(env[name]) ? [] : [`the environment variable ${name} is not set`],
        ),
      ),
    },
  );
}

/** Returns the variables that a driver's credential is read from, as text. */
export function variablesText(driver: OutsideDriver): string {
  return SOURCES[driver].ways.map(({ required }) => Object.values(required).join(', ')).join('; or ');
}

function valuesOf(fields: Readonly<Record<string, string>>, env: Environment): Credential {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, name]) => {
      const value = env[name];
      return isSet(value) ? [[field, value]] : [];
    }),
  );
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

function isLoopback(url: string): boolean {
  const host = new URL(url).hostname;
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}
