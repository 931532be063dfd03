import type * as z from 'zod';
import type { CallGate, CloudCall, Permit } from '../contract/call-gate.ts';
import { DriverError } from '../contract/errors.ts';
import { errorOfFailure, unanswered } from '../contract/no-answer.ts';
import { readBody } from '../contract/read-body.ts';
import { readRate } from '../contract/retry-after.ts';
import type { Send } from '../contract/surroundings.ts';
import { errorSchema, pageOf } from './answers.ts';
import { errorOfAnswer } from './errors.ts';

export interface Call<Answer> {
  method: 'GET' | 'POST' | 'DELETE';
  /** The parts of the path below the endpoint. The transport escapes each part. */
  path: readonly string[];
  query?: Readonly<Record<string, string>>;
  body?: object;
  answer: z.ZodType<Answer>;
}

/**
 * Time limit of one request. It is short, because a driver's call must end within 30 seconds, and a list may need
 * several requests.
 */
const TIMEOUT_MS = 10_000;

/** Sends the requests of one project, with a time-out and without retries. Throws only DriverError. */
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

  /** Sends one request and checks its answer. @throws DriverError */
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
      const request = new Request(this.#urlOf(call), {
        method: call.method,
        headers: { authorization: `Bearer ${this.#apiToken}`, 'content-type': 'application/json' },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        redirect: 'manual',
      });
      const response = await this.#send(request, AbortSignal.timeout(TIMEOUT_MS), permit);
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
    // The cloud may have executed the call. Therefore the outcome of a change is unknown.
    throw new DriverError(unanswered(effect), `${name}: the cloud's answer is not valid`, { call: name });
  }

  /** Reads every item of a list, to the last page. */
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

/**
 * Returns a call's description for the call gate. Paths are `account`, `regions`, or `regions/<location>/<folder>/…`.
 */
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
