import type * as z from 'zod';
import { systemClock, type Timer } from '../../../../functions/platform/runtime/clock.ts';
import { IMAGES, pricesOf, SPECS } from './catalogue.ts';
import { Machines, type Pace } from './machines.ts';
import { Registry } from './registry.ts';
import * as requests from './requests.ts';
import { Resources } from './resources.ts';
import { Refusal, type World } from './world.ts';

export interface Asked {
  /** Returns the part of the path at a `*` of the pattern. `index` counts the `*` from 0. */
  part(index: number): string;
  query: URLSearchParams;
  body: unknown;
}

export interface Route {
  /** Method and path, for instance `GET vm/*`, where `*` matches any one part. */
  pattern: string;
  answer(asked: Asked): object | Promise<object>;
}

/**
 * Error for a request that does not follow the published description. The double answers such a request with
 * status 400.
 */
export class BadRequest extends Error {}

/** Returns the routes of CB-Spider's API that the driver uses. */
export function routesOf(world: World, pace: Pace, clock: Timer = systemClock): Route[] {
  const registry = new Registry(world);
  const resources = new Resources(world);
  const machines = new Machines(world, pace, clock);
  const route = (pattern: string, answer: Route['answer']): Route => ({ pattern, answer });
  /** Returns the route of a GET request, which has the connection's name in the query. */
  const read = (pattern: string, answer: (connection: string, asked: Asked) => object | Promise<object>) =>
    route(`GET ${pattern}`, (asked) => answer(asked.query.get('ConnectionName') ?? '', asked));
  const ofAccount = (
    pattern: string,
    answer: (driver: string, credential: string, asked: Asked) => object,
  ): Route =>
    route(pattern, (asked) =>
      answer(asked.query.get('DriverName') ?? '', asked.query.get('CredentialName') ?? '', asked),
    );
  const write = <Body extends z.ZodType>(
    pattern: string,
    schema: Body,
    answer: (body: z.output<Body>, asked: Asked) => object | Promise<object>,
  ) => route(pattern, (asked) => answer(parse(schema, asked.body), asked));
  /** Returns the route of a DELETE or PUT request, which has the connection's name in the body. */
  const change = (pattern: string, answer: (connection: string, asked: Asked) => object | Promise<object>) =>
    write(pattern, requests.connectionSchema, ({ ConnectionName }, asked) => answer(ConnectionName, asked));
  const catalogue = (connection: string, answer: object) => {
    world.resolve(connection);
    return answer;
  };
  return [
    write('POST driver', requests.driverSchema, (body) => registry.driver(body)),
    write('POST credential', requests.credentialSchema, (body) => registry.credential(body)),
    write('POST region', requests.regionSchema, (body) => registry.region(body)),
    write('POST connectionconfig', requests.configSchema, (body) => registry.config(body)),
    route('GET region/*', ({ part }) => registry.readRegion(part(0))),
    route('GET connectionconfig', () => registry.listConfigs()),
    route('GET connectionconfig/*', ({ part }) => registry.readConfig(part(0))),
    ofAccount('GET preconfig/regionzone', (driver, credential) => registry.regionZones(driver, credential)),
    ofAccount('GET preconfig/regionzone/*', (driver, credential, { part }) =>
      registry.regionZone(driver, credential, part(0)),
    ),
    read('vmspec', (connection) => catalogue(connection, { vmspec: SPECS })),
    read('vmspec/*', (connection, { part }) => catalogue(connection, specNamed(part(0)))),
    read('vmimage', (connection) => catalogue(connection, { image: IMAGES })),
    read('vmimage/*', (connection, { part }) => catalogue(connection, imageNamed(part(0)))),
    read('priceinfo/vm/*', (connection, { part }) => catalogue(connection, pricesOf(part(0)))),

    write('POST vpc', requests.vpcSchema, (body) => resources.makeVpc(body)),
    write('POST vpc/*/subnet', requests.subnetSchema, (body, { part }) => resources.addSubnet(part(0), body)),
    read('vpc/*', (connection, { part }) => resources.vpc(connection, part(0))),
    write('POST securitygroup', requests.securityGroupSchema, (body) => resources.makeSecurityGroup(body)),
    read('securitygroup/*', (connection, { part }) => resources.securityGroup(connection, part(0))),
    write('POST keypair', requests.keyPairSchema, (body) => resources.makeKeyPair(body)),
    ...(['vpc', 'securitygroup', 'keypair'] as const).flatMap((kind) => [
      read(`all${kind}`, (connection) => resources.all(kind, connection)),
      change(`DELETE ${kind}/*`, (connection, { part }) => resources.delete(kind, connection, part(0))),
    ]),

    write('POST vm', requests.machineSchema, (body) => machines.start(body)),
    read('vm/*', (connection, { part }) => machines.get(connection, part(0))),
    read('vmstatus', (connection) => machines.statuses(connection)),
    read('vmstatus/*', (connection, { part }) => machines.status(connection, part(0))),
    read('allvminfo', (connection) => machines.all(connection)),
    change('PUT controlvm/*', (connection, { part, query }) =>
      machines.control(connection, part(0), query.get('action')),
    ),
    change('DELETE vm/*', (connection, { part }) => machines.terminate(connection, part(0))),
    change('DELETE cspvm/*', (connection, { part }) => machines.terminateAtCloud(connection, part(0))),
  ];
}

function specNamed(name: string): object {
  const found = SPECS.find(({ Name }) => Name === name);
  if (found) return found;
  throw new Refusal(`${name} VMSpec does not exist!!`);
}

function imageNamed(name: string): object {
  const found = IMAGES.find(({ IId }) => IId.NameId === name);
  if (found) return found;
  throw new Refusal(`${name} image does not exist!!`);
}

function parse<Body extends z.ZodType>(schema: Body, body: unknown): z.output<Body> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new BadRequest(`the double cannot read this body: ${wrong.join('; ')}`);
}
