import * as z from 'zod';
import type { Call } from './nova.ts';
import {
  neutronError,
  type Port,
  type Project,
  type Resource,
  type ResourceKind,
  secondsOf,
} from './state.ts';

const EXTERNAL = {
  id: 'ffffffff-0000-4000-8000-000000000001',
  name: 'public',
  status: 'ACTIVE',
  is_default: true,
};

/** JSON key of a single resource in requests and answers, for each JSON key of a list. */
const ONE: Readonly<Record<ResourceKind, string>> = {
  networks: 'network',
  subnets: 'subnet',
  routers: 'router',
  'security-groups': 'security_group',
};
const KINDS: readonly ResourceKind[] = ['networks', 'subnets', 'routers', 'security-groups'];
const MISSING: Readonly<Record<ResourceKind, string>> = {
  networks: 'NetworkNotFound',
  subnets: 'SubnetNotFound',
  routers: 'RouterNotFound',
  'security-groups': 'SecurityGroupNotFound',
};

const bodySchema = z.record(z.string(), z.unknown());
const describedSchema = z.object({ port: z.object({ description: z.string() }) });
const interfaceSchema = z.object({ subnet_id: z.string() });

/** Returns Neutron's routes. A key has method and path, and `*` in it matches any single part of a path. */
export function neutronRoutes(): Readonly<Record<string, (call: Call) => object>> {
  const routes: Record<string, (call: Call) => object> = {
    'GET ports': ({ project, query, nowMs }) => ({
      ports: portsOf(project, nowMs).filter((port) =>
        (['network_id', 'device_id'] as const).every(
          (field) => query.get(field) === null || port[field] === query.get(field),
        ),
      ),
    }),
    'PUT ports/*': ({ project, path: [, id = ''], body, nowMs }) => {
      const { description } = describedSchema.parse(body).port;
      const port = portsOf(project, nowMs).find((one) => one.id === id);
      if (!port) throw neutronError(404, 'PortNotFound', `Port ${id} could not be found.`);
      port.description = description;
      project.portDescriptions.set(id, description);
      return { port };
    },
    'PUT routers/*/add_router_interface': ({ project, path: [, id = ''], body }) => {
      const { subnet_id } = interfaceSchema.parse(body);
      const network_id = String(find(project, 'subnets', subnet_id).body['network_id']);
      find(project, 'routers', id);
      project.routerPorts.push({
        id: project.newId(),
        device_owner: 'network:router_interface',
        device_id: id,
        network_id,
        fixed_ips: [{ subnet_id }],
      });
      return {};
    },
    'PUT routers/*/remove_router_interface': ({ project, path: [, id = ''], body }) => {
      const { subnet_id } = interfaceSchema.parse(body);
      const at = project.routerPorts.findIndex(
        (port) => port.device_id === id && port.fixed_ips.some((one) => one.subnet_id === subnet_id),
      );
      if (at < 0)
        throw neutronError(404, 'RouterInterfaceNotFound', `Router ${id} does not have an interface`);
      project.routerPorts.splice(at, 1);
      return {};
    },
    'DELETE ports/*': ({ project, path: [, id = ''] }) => {
      const at = project.strayPorts.findIndex((port) => port.id === id);
      if (at < 0) throw neutronError(404, 'PortNotFound', `Port ${id} could not be found.`);
      project.strayPorts.splice(at, 1);
      return {};
    },
    'POST security-group-rules': () => ({}),
  };
  for (const kind of KINDS) {
    routes[`GET ${kind}`] = ({ project, query }) => ({ [keyOf(kind)]: list(project, kind, query) });
    routes[`GET ${kind}/*`] = ({ project, path: [, id = ''] }) => ({
      [ONE[kind]]: view(find(project, kind, id)),
    });
    routes[`POST ${kind}`] = ({ project, body, nowMs }) => {
      const given = bodySchema.parse(bodySchema.parse(body)[ONE[kind]]);
      const made = { kind, id: project.newId(), createdAtMs: nowMs, body: given };
      project.resources.set(made.id, made);
      return { [ONE[kind]]: view(made) };
    };
    routes[`DELETE ${kind}/*`] = ({ project, path: [, id = ''], nowMs }) => {
      find(project, kind, id);
      refuseInUse(project, kind, id, nowMs);
      for (const one of project.resourcesOf('subnets'))
        if (one.body['network_id'] === id) project.resources.delete(one.id);
      project.resources.delete(id);
      return {};
    };
  }
  return routes;
}

const keyOf = (kind: ResourceKind): string => kind.replace('-', '_');

function list(project: Project, kind: ResourceKind, query: URLSearchParams): object[] {
  if (query.get('router:external') === 'true') return [EXTERNAL];
  return project
    .resourcesOf(kind)
    .filter(({ body }) =>
      ['name', 'network_id'].every((field) => query.get(field) === null || body[field] === query.get(field)),
    )
    .map(view);
}

function view({ id, createdAtMs, body }: Resource): object {
  return { description: '', ...body, id, created_at: secondsOf(createdAtMs) };
}

function find(project: Project, kind: ResourceKind, id: string): Resource {
  const found = project.resources.get(id);
  if (found?.kind === kind) return found;
  throw neutronError(404, MISSING[kind], `${ONE[kind]} ${id} could not be found.`);
}

/** Returns the ports of routers, and one port for each server. */
function portsOf(project: Project, nowMs: number): Port[] {
  const ofServers = project.standing(nowMs).map((server) => ({
    id: `port-${server.id}`,
    device_owner: 'compute:nova',
    device_id: server.id,
    network_id: server.networkId,
    description: project.portDescriptions.get(`port-${server.id}`) ?? '',
    fixed_ips: [],
  }));
  return [...project.routerPorts, ...project.strayPorts, ...ofServers];
}

function refuseInUse(project: Project, kind: ResourceKind, id: string, nowMs: number): void {
  const ports = portsOf(project, nowMs);
  if (kind === 'networks' && ports.some((port) => port.network_id === id)) {
    throw neutronError(409, 'NetworkInUse', `Unable to complete operation on network ${id}.`);
  }
  if (kind === 'routers' && ports.some((port) => port.device_id === id)) {
    throw neutronError(409, 'RouterInUse', `Router ${id} still has ports`);
  }
  if (kind === 'security-groups' && project.standing(nowMs).some(({ groupId }) => groupId === id)) {
    throw neutronError(409, 'SecurityGroupInUse', `Security Group ${id} in use.`);
  }
}
