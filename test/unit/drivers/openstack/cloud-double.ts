import type { CloudClient } from '../../../../functions/drivers/contract/driver.ts';
import { createOpenStackDriver } from '../../../../functions/drivers/openstack/driver.ts';
import { openGate } from '../../../calls/gates.ts';

/** A request as the driver made it. */
export interface Asked {
  method: string;
  /** Service, and path with query below the service's endpoint: `nova /servers`. */
  what: string;
  headers: Headers;
  body: unknown;
}

type Answer = (asked: Asked) => Response | Promise<Response> | undefined;

export const REGION = 'RegionOne';
export const PASSWORD = 'a-password-of-the-test';
const SERVICES = { compute: 'nova', network: 'neutron', image: 'glance' };

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers });

/** Returns an error in Nova's format. */
export const fault = (key: string, code: number, message: string): Response =>
  json({ [key]: { code, message } }, code);

export function tokenAnswer(
  over: { expiresInMs?: number; urlOf?: (service: string) => string } = {},
): Response {
  const { expiresInMs = 3_600_000, urlOf = (service) => `https://${service}.test/${service}` } = over;
  const now = Date.now();
  const catalog = Object.entries(SERVICES).map(([type, service]) => ({
    type,
    endpoints: [REGION, 'RegionTwo'].map((region) => ({
      interface: 'public',
      region_id: region,
      url: urlOf(service),
    })),
  }));
  const token = {
    issued_at: new Date(now).toISOString(),
    expires_at: new Date(now + expiresInMs).toISOString(),
    user: { id: 'u1', name: 'user' },
    project: { id: 'p1', name: 'project' },
    catalog,
  };
  return json({ token }, 201, { 'x-subject-token': `token-${Math.random()}` });
}

/**
 * Returns a client of a cloud that gives the test's `answers`, and the list `asked` of the requests in order.
 * The cloud does not simulate OpenStack. `npm run test:openstack` tests the driver with the real services.
 */
export function clientOf(
  answers: Readonly<Record<string, Answer>>,
  endpoint = 'https://keystone.test',
): { client: CloudClient; asked: Asked[] } {
  const asked: Asked[] = [];
  const all: Readonly<Record<string, Answer>> = {
    'POST keystone /v3/auth/tokens': () => tokenAnswer(),
    ...answers,
  };
  const driver = createOpenStackDriver(async (request) => {
    const url = new URL(request.url);
    const text = await request.text();
    const service = url.hostname.replace('.test', '');
    const path = url.pathname.replace(`/${service}/`, '/');
    const one: Asked = {
      method: request.method,
      what: `${service} ${path}${url.search}`,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    asked.push(one);
    const answer = await (all[`${one.method} ${service} ${path}`] ?? all[one.method])?.(one);
    return answer ?? json({ itemNotFound: { code: 404, message: `nothing at ${one.what}` } }, 404);
  });
  const credential = { username: 'user', password: PASSWORD, projectName: 'project' };
  const client = driver.connect({
    cloud: 'openstack',
    credential,
    endpoint,
    deploymentId: 'test',
    calls: openGate,
  });
  return { client, asked };
}
