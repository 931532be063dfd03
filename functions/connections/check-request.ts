import { z } from 'zod';
import { DRIVERS } from '../drivers/registry.ts';
import { type ConnectionRequest, connectionRequestSchema } from '../model/connection.ts';
import { endpointError } from './check-endpoint.ts';

/** Same shape as the API's field errors. */
interface RequestError {
  pointer: string;
  code: string;
  message: string;
}

type Checked = {
  [Field in 'driver' | 'cloud' | 'credential' | 'endpoint']?: ConnectionRequest[Field] | undefined;
};

/** What the schema cannot know: which clouds and credential fields the driver has, and where it may go. */
export function connectionErrors(
  { driver: name, cloud, credential, endpoint }: Checked,
  allowEndpointOverride: boolean,
): RequestError[] {
  const errors: RequestError[] = [];
  const driver = name && DRIVERS[name];
  if (driver && cloud !== undefined && !driver.clouds.includes(cloud)) {
    const message = `driver ${name} has ${driver.clouds.join(', ')}`;
    errors.push({ pointer: '/cloud', code: 'unknown-cloud', message });
  }
  if (driver && credential) {
    for (const field of driver.credentialFields) {
      if (!field.required || field.name in credential) continue;
      errors.push({ pointer: `/credential/${field.name}`, code: 'missing', message: field.description });
    }
    const known = new Set(driver.credentialFields.map((field) => field.name));
    for (const field of Object.keys(credential)) {
      if (known.has(field)) continue;
      errors.push({
        pointer: `/credential/${field}`,
        code: 'unrecognized-key',
        message: 'is not known here',
      });
    }
  }
  const wrong = endpoint === undefined ? undefined : endpointError(endpoint, allowEndpointOverride);
  if (wrong) errors.push({ pointer: '/endpoint', ...wrong });
  return errors;
}

const { driver, cloud, credential, endpoint } = connectionRequestSchema.shape;
const remainsSchema = z.object({
  driver: driver.optional().catch(undefined),
  cloud: cloud.optional().catch(undefined),
  credential: credential.optional().catch(undefined),
  endpoint: endpoint.catch(undefined),
});

/** The further errors of a body that its schema refuses: of the fields that are well formed. */
export function inspectRefusedConnection(body: unknown, allowEndpointOverride: boolean): RequestError[] {
  const remains = remainsSchema.safeParse(body).data;
  return remains ? connectionErrors(remains, allowEndpointOverride) : [];
}
