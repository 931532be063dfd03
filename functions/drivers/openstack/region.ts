import * as z from 'zod';
import { DriverError } from '../contract/errors.ts';
import type { DriverClock } from '../contract/surroundings.ts';
import { TOKEN_REFUSED } from './errors.ts';
import type { Session } from './session.ts';
import { NEEDED_SERVICES, type Service, type Token } from './token.ts';
import type { HttpAnswer, HttpCall, Transport } from './transport.ts';

export type RegionCall<Answer> = Pick<
  HttpCall<Answer>,
  'method' | 'path' | 'query' | 'body' | 'answer' | 'kind' | 'machines' | 'isOptional'
>;

export interface ListCall<Item> {
  path: readonly string[];
  /** The key of the items in the answer. */
  key: string;
  /** The schema of an item. The next page is requested with the `id` of the last item as the marker. */
  item: z.ZodType<Item>;
  query?: Readonly<Record<string, string | undefined>>;
}

/** Names of the services in errors. */
const NAMES: Readonly<Record<Service, string>> = {
  compute: 'nova',
  network: 'neutron',
  image: 'glance',
  volume: 'cinder',
};

/**
 * Headers that request Nova's API version 2.69, which is available since the release Stein (2019). With this version,
 * servers include the names of their flavors (since 2.47), and lists include servers in a cell that is down (since
 * 2.69).
 */
const HEADERS: Readonly<Partial<Record<Service, Record<string, string>>>> = {
  compute: { 'OpenStack-API-Version': 'compute 2.69', 'X-OpenStack-Nova-API-Version': '2.69' },
};

const PAGE_SIZE = 500;
const MAX_STARTS = 3;

/**
 * Calls the services of one region, for one method call of the client. Every request ends by the deadline of the method
 * call.
 */
export class Region {
  readonly name: string;
  readonly clock: DriverClock;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #deadlineMs: number;

  constructor(name: string, session: Session, transport: Transport, deadlineMs: number) {
    this.name = name;
    this.#session = session;
    this.clock = transport.clock;
    this.#transport = transport;
    this.#deadlineMs = deadlineMs;
  }

  async projectId(): Promise<string> {
    return (await this.#session.token(this.#deadlineMs)).projectId;
  }

  async hasVolumes(): Promise<boolean> {
    const { regions } = await this.#session.token(this.#deadlineMs);
    return regions.get(this.name)?.has('volume') ?? false;
  }

  async call<Answer>(service: Service, call: RegionCall<Answer>): Promise<Answer> {
    return (await this.exchange(service, call)).body;
  }

  /** Removes a resource. Succeeds if it no longer exists. */
  async remove(service: Service, path: readonly string[]): Promise<void> {
    await unlessGone(this.call(service, { method: 'DELETE', path, answer: z.unknown() }));
  }

  /**
   * Sends one request. If the cloud refuses the token, gets another token and sends the request once more: a token may
   * be revoked although the credential is valid.
   */
  async exchange<Answer>(service: Service, call: RegionCall<Answer>): Promise<HttpAnswer<Answer>> {
    const token = await this.#session.token(this.#deadlineMs);
    try {
      return await this.#send(token, service, call);
    } catch (error) {
      if (!(error instanceof DriverError) || error.cloudCode !== TOKEN_REFUSED) throw error;
      this.#session.drop(token);
      return await this.#send(await this.#session.token(this.#deadlineMs), service, call);
    }
  }

  /**
   * Reads a list to the last page. Returns each item once. If the item that marks the next page is deleted before that
   * page is read, the list is read again from the start. @throws DriverError Unavailable if this happens in each of
   * MAX_STARTS attempts
   */
  async readAll<Item extends { id: string }>(service: Service, call: ListCall<Item>): Promise<Item[]> {
    for (let starts = 1; starts <= MAX_STARTS; starts += 1) {
      const items = await this.#readPages(service, call);
      if (items) return items;
    }
    const name = `${NAMES[service]}:GET /${call.path.join('/')}`;
    throw new DriverError('Unavailable', `${name}: the list changed while it was being read`, { call: name });
  }

  async #readPages<Item extends { id: string }>(
    service: Service,
    { path, key, item, query }: ListCall<Item>,
  ): Promise<Item[] | undefined> {
    const items = new Map<string, Item>();
    const answer = pageOf(key, item);
    for (let marker: string | undefined; ; ) {
      const asked = { ...query, limit: String(PAGE_SIZE), marker };
      const page = await this.call(service, { method: 'GET', path, query: asked, answer }).catch((error) => {
        if (marker !== undefined && isMarkerGone(error)) return undefined;
        throw error;
      });
      if (!page) return undefined;
      for (const one of page.items) items.set(one.id, one);
      marker = page.items.at(-1)?.id;
      if (!page.hasNext || marker === undefined) return [...items.values()];
    }
  }

  async #send<Answer>(token: Token, service: Service, call: RegionCall<Answer>): Promise<HttpAnswer<Answer>> {
    return await this.#transport.call({
      ...call,
      service: NAMES[service],
      location: this.name,
      baseUrl: endpointOf(token, this.name, service),
      headers: { 'x-auth-token': token.id, ...HEADERS[service] },
      deadlineMs: this.#deadlineMs,
    });
  }
}

/** Awaits a removal, and ignores the error NotFound. */
export async function unlessGone(undoing: Promise<unknown>): Promise<void> {
  try {
    await undoing;
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
  }
}

/**
 * Returns the time of an answer by the cloud's clock. If the answer has no `Date`, returns the time by the driver's
 * clock.
 */
export function cloudTimeMs({ clock }: Region, headers: Headers): number {
  const atMs = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(atMs) ? clock.now() : atMs;
}

/** Returns the sorted names of the regions that have all services that the driver needs. */
export function regionNames({ regions }: Token): string[] {
  return [...regions]
    .filter(([, services]) => NEEDED_SERVICES.every((service) => services.has(service)))
    .map(([name]) => name)
    .sort();
}

function endpointOf(token: Token, region: string, service: Service): string {
  const url = token.regions.get(region)?.get(service);
  if (url !== undefined) return url;
  const regions = regionNames(token).join(', ') || 'none';
  throw new DriverError('InvalidRequest', `region ${region} has no ${service} service; regions: ${regions}`);
}

const linksSchema = z.array(z.object({ rel: z.string() })).catch([]);

/**
 * Makes the schema of a page. Nova and Neutron link the next page in the list `<key>_links`, Glance in the field
 * `next`.
 */
function pageOf<Item>(key: string, item: z.ZodType<Item>) {
  return z
    .record(z.string(), z.unknown())
    .transform((body) => ({
      items: body[key],
      hasNext:
        typeof body['next'] === 'string' ||
        linksSchema.parse(body[`${key}_links`]).some(({ rel }) => rel === 'next'),
    }))
    .pipe(z.object({ items: z.array(item), hasNext: z.boolean() }));
}

function isMarkerGone(error: unknown): boolean {
  return error instanceof DriverError && (error.code === 'InvalidRequest' || error.code === 'NotFound');
}
