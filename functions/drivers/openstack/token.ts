import { z } from 'zod';
import { DriverError } from '../contract/errors.ts';
import { isForbiddenHost } from '../contract/forbidden-hosts.ts';

/** What one token says of the cloud: who we are, and where its services are. */
export interface Token {
  id: string;
  /** In the time of the driver's clock; a new one is asked for from then on. */
  renewAtMs: number;
  account: string;
  projectId: string;
  /** Endpoints by region and service. */
  regions: ReadonlyMap<string, ReadonlyMap<Service, string>>;
}

export type Service = 'compute' | 'network' | 'image' | 'volume';

/** Every region has to have these; volumes are used where there are some. */
export const NEEDED_SERVICES = ['compute', 'network', 'image'] as const satisfies readonly Service[];

/** The services' types in the catalogue: what Keystone says, and the official names of later years. */
const SERVICES: ReadonlyMap<string, Service> = new Map(
  Object.entries({
    compute: 'compute',
    network: 'network',
    image: 'image',
    volumev3: 'volume',
    'block-storage': 'volume',
  } as const),
);

/** What a service's paths begin with; some catalogues have it in their endpoints, and some leave it out. */
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

/** Long before it expires, so that no call is under way with a token that ends meanwhile. */
const RENEW_BEFORE_MS = 5 * 60_000;

/**
 * @param identityUrl where the token is from: what it names has to be as safe from eavesdroppers
 * @throws DriverError InvalidRequest when the token is for no project
 */
export function tokenOf(
  id: string,
  { token }: z.output<typeof tokenAnswerSchema>,
  identityUrl: string,
  nowMs: number,
): Token {
  if (!token.project) throw new DriverError('InvalidRequest', 'the credential is not for a project');
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

/** The rules of a connection's own endpoint hold for those that its cloud sends us to. */
function checked(endpoint: string, identityUrl: string): URL {
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DriverError(
      'InvalidRequest',
      "an endpoint of the cloud's catalogue is no http or https address",
    );
  }
  if (url.protocol === 'http:' && identityUrl.startsWith('https:')) {
    throw new DriverError(
      'InvalidRequest',
      `the cloud's catalogue has an endpoint without https: ${url.host}`,
    );
  }
  if (isForbiddenHost(url.hostname)) {
    const message = `the cloud's catalogue has a link-local or metadata address: ${url.host}`;
    throw new DriverError('InvalidRequest', message);
  }
  return url;
}

function versioned(url: URL, service: Service): string {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return /\/v\d+(\.\d+)?(\/|$)/.test(url.pathname) ? base : `${base}/${VERSIONS[service]}`;
}
