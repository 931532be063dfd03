import * as z from 'zod';
import { credentialSchemaOf } from '../../drivers/contract/credentials.ts';
import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import type { AllowedAddresses } from '../../drivers/contract/outgoing-address.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Cloud } from '../../model/cloud.ts';
import {
  type ConnectionRequest,
  type Credential,
  connectionRequestSchema,
  type DriverName,
} from '../../model/connection.ts';
import type { LimitOverride } from '../../model/limit-profile.ts';
import { endpointError } from './check-endpoint.ts';

/** An error in a request. It has the same shape as the API's field errors. */
export interface RequestError {
  pointer: string;
  code: string;
  message: string;
}

/** The deployment's rules for connections. */
export interface ConnectionRules {
  /** The deployed drivers. */
  drivers: readonly DriverName[];
  allowEndpointOverride: boolean;
  /** Addresses that endpoints may have although they are not public. */
  allowedAddresses: AllowedAddresses;
}

/** Checks that the actions of a limit override are actions that the driver meters alone. */
export function actionErrors(
  { title, meteredActions = [] }: Pick<DriverMetadata, 'title' | 'meteredActions'>,
  { actions = {}, locations = {} }: LimitOverride,
): RequestError[] {
  const named = [
    ...Object.keys(actions).map((name) => ['', name] as const),
    ...Object.entries(locations).flatMap(([location, { actions: there = {} }]) =>
      Object.keys(there).map((name) => [`/locations/${escaped(location)}`, name] as const),
    ),
  ];
  const known =
    meteredActions.length === 0
      ? `the driver for ${title} names no actions to meter alone`
      : `must be an action of the driver for ${title}: ${meteredActions.join(', ')}`;
  return named
    .filter(([, name]) => !meteredActions.includes(name))
    .map(([within, name]) => ({
      pointer: `${within}/actions/${escaped(name)}`,
      code: 'unknown-action',
      message: known,
    }));
}

/** Escapes one part of a JSON pointer (RFC 6901). */
const escaped = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

type Checked = {
  [Field in 'driver' | 'cloud' | 'credential' | 'endpoint' | 'limits']?: ConnectionRequest[Field] | undefined;
};

/**
 * Checks a request against the deployed drivers: the driver, the cloud, the fields of the credential, and the
 * endpoint. The request schema cannot check these rules.
 */
export function connectionErrors(
  { driver: name, cloud, credential, endpoint, limits }: Checked,
  rules: ConnectionRules,
): RequestError[] {
  const errors: RequestError[] = [];
  const driver = name !== undefined && rules.drivers.includes(name) ? DRIVERS[name] : undefined;
  if (name !== undefined && !driver) {
    const message = `must be a driver of this deployment: ${rules.drivers.join(', ')}`;
    errors.push({ pointer: '/driver', code: 'driver-not-deployed', message });
  }
  if (driver && cloud !== undefined && !driver.clouds.includes(cloud)) {
    const message = `must be a cloud of driver ${name}: ${driver.clouds.join(', ')}`;
    errors.push({ pointer: '/cloud', code: 'unknown-cloud', message });
  }
  if (driver && limits) {
    const unknown = actionErrors(driver, limits);
    errors.push(...unknown.map(({ pointer, ...rest }) => ({ ...rest, pointer: `/limits${pointer}` })));
  }
  if (driver && credential) errors.push(...credentialErrors(driver, credential, cloud));
  if (endpoint !== undefined) {
    const wrong = endpointError(
      endpoint,
      driver?.endpoint,
      rules.allowEndpointOverride,
      rules.allowedAddresses,
    );
    if (wrong) errors.push({ pointer: '/endpoint', ...wrong });
  } else if (driver?.endpoint === 'required') {
    const message = `must be given: the driver for ${driver.title} does not know the address of the cloud`;
    errors.push({ pointer: '/endpoint', code: 'missing', message });
  }
  return errors;
}

const customSchema = z.object({ params: z.object({ code: z.string() }) });

/** Returns the errors in a body's `credential`. No error contains the value of a credential field. */
export function credentialErrors(
  driver: Pick<DriverMetadata, 'credentialFields'>,
  credential: Credential,
  cloud: Cloud | undefined,
): RequestError[] {
  const { error } = credentialSchemaOf(driver).safeParse(credential);
  const ofFields = (error?.issues ?? []).flatMap((issue): RequestError[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: `/credential/${key}`,
        code: 'unrecognized-key',
        message: 'is not a field of this credential',
      }));
    }
    const code = customSchema.safeParse(issue).data?.params.code ?? issue.code.replaceAll('_', '-');
    return [{ pointer: ['/credential', ...issue.path].join('/'), code, message: issue.message }];
  });
  const ofCloud = driver.credentialFields.flatMap(({ name, description, requiredBy = [] }): RequestError[] =>
    cloud !== undefined && requiredBy.includes(cloud) && !(name in credential)
      ? [{ pointer: `/credential/${name}`, code: 'missing', message: description }]
      : [],
  );
  return [...ofFields, ...ofCloud];
}

const { driver, cloud, credential, endpoint } = connectionRequestSchema.shape;
const remainsSchema = z.object({
  driver: driver.optional().catch(undefined),
  cloud: cloud.optional().catch(undefined),
  credential: credential.optional().catch(undefined),
  endpoint: endpoint.catch(undefined),
});
const endpointGivenSchema = z.object({ endpoint: z.unknown().refine((value) => value !== undefined) });

/**
 * Applies the checks of `connectionErrors` to a body that the request schema refuses. Only well-formed fields
 * are checked. The user then sees all errors of the request together.
 */
export function inspectRefusedConnection(body: unknown, rules: ConnectionRules): RequestError[] {
  const remains = remainsSchema.safeParse(body).data;
  if (!remains) return [];
  // The schema already reports a malformed endpoint. Do not report the endpoint as missing, too.
  const isMalformed = remains.endpoint === undefined && endpointGivenSchema.safeParse(body).success;
  return connectionErrors(remains, rules).filter(
    ({ pointer, code }) => !(isMalformed && pointer === '/endpoint' && code === 'missing'),
  );
}
