import type { z } from 'zod';
import type { CallGate, CloudCall, Permit } from '../contract/call-gate.ts';
import { DriverError } from '../contract/errors.ts';
import { errorOfFailure, unanswered } from '../contract/no-answer.ts';
import { readBody } from '../contract/read-body.ts';
import { readRate } from '../contract/retry-after.ts';
import { errorSchema, pageOf } from './answers.ts';
import { errorOfAnswer } from './errors.ts';

/** `fetch`, but in tests. Uses the permit up. The signal has to be given to `fetch` itself: one inside a `Request` may be collected. */
export type Send = (url: string, init: RequestInit, permit: Permit) => Promise<Response>;

export interface Call<Answer> {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the endpoint; each part is escaped here. */
  path: readonly string[];
  query?: Readonly<Record<string, string>>;
  body?: object;
  answer: z.ZodType<Answer>;
}

/** A driver's call ends within 30 seconds, and one that lists may make several of these. */
const TIMEOUT_MS = 10_000;

/** One project's way to the cloud: a time-out on each request, no retries, and no error but DriverError. */
export class Transport {
  readonly #endpoint: string;
  readonly #apiToken: string;
  readonly #calls: CallGate;
  readonly #send: Send;

  constructor(endpoint: string, apiToken: string, calls: CallGate, send: Send) {
    this.#endpoint = endpoint.replace(/\/+$/, '');
    this.#apiToken = apiToken;
    this.#calls = calls;
    this.#send = send;
  }

  /** @throws DriverError */
  async call<Answer>(call: Call<Answer>): Promise<Answer> {
    return await this.#calls.send(governedAs(call), (permit) => this.#answer(call, permit));
  }

  async #answer<Answer>(call: Call<Answer>, permit: Permit): Promise<Answer> {
    const effect = call.method === 'GET' ? 'reads' : 'changes';
    const name = `${call.method} /${call.path.join('/')}`;
    let status: number;
    let headers: Headers;
    let body: unknown;
    try {
      const init = {
        method: call.method,
        headers: { authorization: `Bearer ${this.#apiToken}`, 'content-type': 'application/json' },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      };
      const response = await this.#send(this.#urlOf(call), init, permit);
      ({ status, headers } = response);
      body = jsonOf(await readBody(response));
    } catch (cause) {
      throw errorOfFailure(cause, effect);
    }
    if (status < 200 || status > 299) {
      const { code, message } = errorSchema.safeParse(body).data?.error ?? {};
      throw errorOfAnswer({ status, code, message, rate: readRate(headers), call: name }, effect);
    }
    const parsed = call.answer.safeParse(body);
    if (parsed.success) return parsed.data;
    // It was done, perhaps, and nobody knows what came of it.
    throw new DriverError(unanswered(effect), `${name}: the cloud's answer cannot be read`, { call: name });
  }

  /** Every item of a list, to the last page. */
  async readAll<Item extends z.ZodType>(path: readonly string[], item: Item): Promise<z.output<Item>[]> {
    const items: z.output<Item>[] = [];
    let after: string | null | undefined;
    do {
      const query: Record<string, string> = after ? { after } : {};
      const page = await this.call({ method: 'GET', path, query, answer: pageOf(item) });
      items.push(...page.items);
      after = page.next;
    } while (after);
    return items;
  }

  #urlOf({ path, query }: Pick<Call<unknown>, 'path' | 'query'>): string {
    const search = new URLSearchParams(query).toString();
    return `${this.#endpoint}/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
  }
}

/** The governor's view of a call. Paths are `account`, `regions`, or `regions/<location>/<folder>/…`. */
function governedAs({ method, path }: Call<unknown>): CloudCall {
  const isCreate = method === 'POST' && path.length === 3 && path[2] === 'servers';
  return {
    action: `template:${method} /${path.join('/')}`,
    kind: isCreate ? 'create' : method === 'GET' ? 'list' : 'mutate',
    location: path[0] === 'regions' ? path[1] : undefined,
  };
}

function jsonOf(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}
