import * as z from 'zod';
import { DriverError } from '../contract/errors.ts';
import { isMetadataHost } from '../contract/outgoing-address.ts';

/** Describes a token: its project, and the service endpoints that it lists. */
export interface Token {
  id: string;
  /** Time, by the driver's clock, after which the driver requests another token. */
  renewAtMs: number;
  account: string;
  projectId: string;
  /** Endpoints by region and service. */
  regions: ReadonlyMap<string, ReadonlyMap<Service, string>>;
}

export type Service = 'compute' | 'network' | 'image' | 'volume';

/** The services that a region must have to be usable. Volumes are used in regions that have them. */
export const NEEDED_SERVICES = ['compute', 'network', 'image'] as const satisfies readonly Service[];

/**
 * Maps the service types in Keystone's catalogue to services. A service may have its early type or its later official
 * type.
 */
const SERVICES: ReadonlyMap<string, Service> = new Map(
  Object.entries({
    compute: 'compute',
    network: 'network',
    image: 'image',
    volumev3: 'volume',
    'block-storage': 'volume',
  } as const),
);

/** The version prefix of each service's paths. Some catalogues include the prefix in their endpoints, others do not. */
const VERSIONS: Readonly<Record<Service, string>> = {
  compute: 'v2.1',
  network: 'v2.0',
  image: 'v2',
  volume: 'v3',
};

export const tokenAnswerSchema = z.object({
  token: z.object({
    issued_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    user: z.object({ id: z.string(), name: z.string() }),
    project: z.object({ id: z.string(), name: z.string() }).optional(),
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z.array(
            z.object({ interface: z.string(), region_id: z.string().nullish(), url: z.string() }),
          ),
        }),
      )
      .default([]),
  }),
});

/**
 * A token is renewed this many ms before it expires, so that no token expires during a call. A token with a shorter
 * life than twice this time is renewed after half its life.
 */
const RENEW_BEFORE_MS = 5 * 60_000;

/**
 * Reads a token. @param identityUrl the address of the Keystone that issued the token. If this address uses https,
 * endpoints in the token must use https as well
 * @throws DriverError InvalidRequest if the token is for no project, or lists an endpoint that is not allowed
 */
export function tokenOf(
  id: string,
  { token }: z.output<typeof tokenAnswerSchema>,
  identityUrl: string,
  nowMs: number,
): Token {
  if (!token.project) throw new DriverError('InvalidRequest', 'the credential is not scoped to a project');
  const lifeMs = Date.parse(token.expires_at) - Date.parse(token.issued_at);
  const regions = new Map<string, Map<Service, string>>();
  for (const { type, endpoints } of token.catalog) {
    const service = SERVICES.get(type);
    if (service === undefined) continue;
    for (const { interface: kind, region_id: region, url } of endpoints) {
      if (kind !== 'public' || !region) continue;
      const services = regions.get(region) ?? new Map<Service, string>();
      regions.set(region, services.set(service, versioned(checked(url, identityUrl), service)));
    }
  }
  return {
    id,
    renewAtMs: nowMs + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs / 2),
    account: `${token.project.name} (${token.project.id})`,
    projectId: token.project.id,
    regions,
  };
}

/**
 * Checks an endpoint from the cloud's service catalogue. @throws DriverError InvalidRequest if the endpoint is no
 * http(s) URL, uses http although Keystone uses https, or has a forbidden host (`isMetadataHost`)
 */
function checked(endpoint: string, identityUrl: string): URL {
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DriverError(
      'InvalidRequest',
      "an endpoint in the cloud's service catalogue is not an http or https URL",
    );
  }
  if (url.protocol === 'http:' && identityUrl.startsWith('https:')) {
    throw new DriverError(
      'InvalidRequest',
      `an endpoint in the cloud's service catalogue does not use https: ${url.host}`,
    );
  }
  if (isMetadataHost(url.hostname)) {
    const message = `an endpoint in the cloud's service catalogue is a link-local or metadata address: ${url.host}`;
    throw new DriverError('InvalidRequest', message);
  }
  return url;
}

function versioned(url: URL, service: Service): string {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return /\/v\d+(\.\d+)?(\/|$)/.test(url.pathname) ? base : `${base}/${VERSIONS[service]}`;
}
