import { type FleetRequest, fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import { CLOUD } from './metered-cloud.ts';

/** The key of all machines. Its bytes are 0 to 31. */
const PUBLIC_KEY = `ssh-ed25519 ${publicKeyBase64()}`;

/** Returns a request for alike machines. Those of several requests are alike, too, if they have the same user data. */
export function requestFor(
  name: string,
  size: number,
  locations: readonly string[],
  userData?: string,
): FleetRequest {
  return fleetRequestSchema.parse({
    name,
    network: { mode: 'shared' },
    nodeGroups: [
      {
        name: 'all',
        size,
        connection: `sim-${CLOUD}`,
        locations,
        instanceType: 'm6i.large',
        image: 'ubuntu-24.04',
        ...(userData === undefined ? {} : { userData }),
        ssh: { allowFrom: '203.0.113.0/24', publicKeys: [PUBLIC_KEY] },
      },
    ],
  });
}

function publicKeyBase64(): string {
  const field = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  return Buffer.concat([field(Buffer.from('ssh-ed25519')), field(key)]).toString('base64');
}
