import * as z from 'zod';
import type { Asked } from '../asked.ts';
import type { CloudWorld } from '../http.ts';
import { Script } from '../script.ts';
import { cinderRoutes } from './cinder.ts';
import { neutronRoutes } from './neutron.ts';
import { type Call, novaRoutes, type Pace } from './nova.ts';
import { novaFault, Project, Refusal, type Server } from './state.ts';

export const KEYSTONE_URL = 'http://keystone.invalid:5000/v3';
export const REGION = 'RegionOne';
const PROJECTS = { 'credential-1': 'project-1', 'credential-2': 'project-2' };
const TOKEN_MS = 3_600_000;
const SERVICES = { compute: 'nova', network: 'neutron', image: 'glance', volumev3: 'cinder' };
const VERSIONS: Readonly<Record<string, string>> = {
  nova: 'v2.1',
  neutron: 'v2.0',
  glance: 'v2',
  cinder: 'v3',
};
const IMAGE = {
  id: 'aaaaaaaa-0000-4000-8000-000000000001',
  name: 'Ubuntu 24.04',
  status: 'active',
  visibility: 'public',
  created_at: '2026-01-01T00:00:00Z',
  architecture: 'x86_64',
};
/** Parts of paths that are not ids. */
const WORDS =
  /^(servers|volumes|detail|action|flavors|images|limits|os-[a-z-]+|networks|subnets|ports|routers|security-groups|security-group-rules|add_router_interface|remove_router_interface|auth|tokens)$/;

const credentialSchema = z.object({
  auth: z.object({
    identity: z.object({ application_credential: z.object({ id: z.string(), secret: z.string() }) }),
  }),
});

export interface OpenStackOptions extends Partial<Pace> {
  /** Maps the id of an application credential to its project id. */
  projects?: Readonly<Record<string, string>>;
  /** Returns the n-th token, from 1; `token-<n>` by default. */
  tokenOf?: (n: number) => string;
  /** Time in ms until Cinder has made a volume. */
  volumeMs?: number;
}

/** A scripted cloud that answers the driver's requests to Keystone, Nova, Neutron, Glance and Cinder. */
export class OpenStackWorld implements CloudWorld {
  readonly script = new Script();
  readonly #credentials: Readonly<Record<string, string>>;
  readonly #projects = new Map<string, Project>();
  readonly #tokenOf: (n: number) => string;
  readonly #tokens = new Map<string, string>();
  readonly #routes: Readonly<Record<string, Readonly<Record<string, (call: Call) => object>>>>;

  constructor({
    projects = PROJECTS,
    tokenOf = (n) => `token-${n}`,
    volumeMs = 3_000,
    ...pace
  }: OpenStackOptions = {}) {
    this.#tokenOf = tokenOf;
    this.#credentials = projects;
    this.#routes = {
      nova: novaRoutes({ bootMs: 8_000, deleteMs: 4_000, addressMs: 0, ...pace }),
      neutron: neutronRoutes(),
      cinder: cinderRoutes(volumeMs),
      glance: {
        'GET images': () => ({ images: [IMAGE] }),
        'GET images/*': () => IMAGE,
      },
    };
  }

  /**
   * Returns method, service and path of a request. Ids in the path are replaced by `*`. An example is
   * `DELETE nova /servers/*`.
   */
  nameOf({ method, url }: Pick<Asked, 'method' | 'url'>): string {
    return `${method} ${serviceOf(url)} /${pathOf(url)
      .map((part) => (WORDS.test(part) ? part : '*'))
      .join('/')}`;
  }

  async answer(asked: Asked): Promise<Response> {
    const service = serviceOf(asked.url);
    try {
      return service === 'keystone' ? this.#authenticate(asked) : this.#serve(service, asked);
    } catch (error) {
      if (error instanceof Refusal) return json(error.body, asked.atMs, error.status);
      throw error;
    }
  }

  /** Returns the resources of a project. Without an id, uses the first project. */
  project(id: string = Object.values(this.#credentials)[0] ?? ''): Project {
    const known = this.#projects.get(id) ?? new Project(id);
    this.#projects.set(id, known);
    return known;
  }

  /** Returns the servers of all projects that are not gone. */
  standing(nowMs: number): Server[] {
    return [...this.#projects.values()].flatMap((project) => project.standing(nowMs));
  }

  /** Makes a server as a restore from a backup does: with a new id, the same name and the same metadata. */
  restore(project: Project, { id: original }: Pick<Server, 'id'>, nowMs: number): Server {
    const from = project.servers.get(original);
    if (!from) throw new Error(`the cloud has no server ${original}`);
    const { goneAtMs: _gone, stuck: _stuck, ...rest } = from;
    const copy = {
      ...rest,
      id: project.newId(),
      createdAtMs: nowMs,
      runsAtMs: nowMs,
      reservationId: 'r-copy',
    };
    project.servers.set(copy.id, copy);
    return copy;
  }

  #authenticate({ method, text, atMs }: Asked): Response {
    if (method === 'GET') return json({ version: { id: 'v3.14' } }, atMs);
    const parsed = credentialSchema.safeParse(text === '' ? undefined : JSON.parse(text));
    const id = parsed.data?.auth.identity.application_credential.id ?? '';
    const projectId = this.#credentials[id];
    if (projectId === undefined) {
      const message = `Could not find Application Credential: ${id}.`;
      throw new Refusal(404, { error: { code: 404, title: 'Not Found', message } });
    }
    const tokenId = this.#tokenOf(this.#tokens.size + 1);
    this.#tokens.set(tokenId, projectId);
    const token = {
      issued_at: new Date(atMs).toISOString(),
      expires_at: new Date(atMs + TOKEN_MS).toISOString(),
      user: { id: 'u1', name: 'user' },
      project: { id: projectId, name: projectId },
      catalog: Object.entries(SERVICES).map(([type, service]) => ({
        type,
        endpoints: [
          { interface: 'public', region_id: REGION, url: `http://${service}.invalid/${VERSIONS[service]}` },
        ],
      })),
    };
    return json({ token }, atMs, 201, { 'x-subject-token': tokenId });
  }

  #serve(service: string, { method, url, headers, text, atMs: nowMs }: Asked): Response {
    const projectId = this.#tokens.get(headers.get('x-auth-token') ?? '');
    if (projectId === undefined) {
      throw new Refusal(401, {
        error: {
          code: 401,
          title: 'Unauthorized',
          message: 'The request you have made requires authentication.',
        },
      });
    }
    const path = pathOf(url);
    const routes = this.#routes[service] ?? {};
    const pattern = Object.keys(routes).find((one) => matches(one, method, path));
    const route = pattern === undefined ? undefined : routes[pattern];
    if (!route) throw novaFault('itemNotFound', 404, `no route for ${method} ${url.pathname}`);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return json(
      route({ project: this.project(projectId), path, query: url.searchParams, body, nowMs }),
      nowMs,
    );
  }
}

function serviceOf(url: URL): string {
  return url.hostname.replace('.invalid', '');
}

function pathOf(url: URL): string[] {
  return url.pathname.split('/').slice(2).map(decodeURIComponent);
}

function matches(pattern: string, method: string, path: readonly string[]): boolean {
  const [wanted = '', parts = ''] = pattern.split(' ');
  const all = parts.split('/');
  return (
    wanted === method &&
    all.length === path.length &&
    all.every((part, at) => part === '*' || part === path[at])
  );
}

function json(body: object, atMs: number, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { date: new Date(atMs).toUTCString(), ...headers } });
}
