import type * as z from 'zod';
import type { Credential } from '../../model/connection.ts';
import type { CallGate, CloudCall, Permit } from '../contract/call-gate.ts';
import { DriverError } from '../contract/errors.ts';
import { type CallEffect, errorOfFailure } from '../contract/no-answer.ts';
import { readBody } from '../contract/read-body.ts';
import { readRate } from '../contract/retry-after.ts';
import { type DriverClock, type Send, within } from '../contract/surroundings.ts';
import { errorAnswerSchema } from './answers.ts';
import { errorOfAnswer } from './errors.ts';

export interface Call<Answer> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The parts of the path below the cloud's address. The transport escapes each part. */
  path: readonly string[];
  query?: Readonly<Record<string, string | undefined>>;
  body?: object;
  /** Number of machines that the call asks for or names. Absent: one machine, or none. */
  machines?: number;
  answer: z.ZodType<Answer>;
}

/** Sends a client's calls. Throws only DriverError. */
export interface Transport {
  call<Answer>(call: Call<Answer>): Promise<Answer>;
}

/**
 * Time limit of a create call. It is longer than TIMEOUT_MS, because a simulated cloud takes some time to accept a
 * create call. Simulated clouds answer all other calls immediately.
 */
const CREATE_TIMEOUT_MS = 15_000;
const TIMEOUT_MS = 10_000;

/** Sends the calls of one account to one cloud, with a time-out for each call. Throws only DriverError. */
export class SimTransport implements Transport {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #calls: CallGate;
  readonly #send: Send;
  readonly #clock: DriverClock;

  constructor(
    baseUrl: string,
    { account = '', apiKey }: Credential,
    calls: CallGate,
    send: Send,
    clock: DriverClock,
  ) {
    this.#baseUrl = baseUrl;
    this.#headers = {
      'x-account': account,
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
    this.#calls = calls;
    this.#send = send;
    this.#clock = clock;
  }

  async call<Answer>(call: Call<Answer>): Promise<Answer> {
    return await this.#calls.send(governedAs(call), (permit) => this.#answer(call, permit));
  }

  async #answer<Answer>(call: Call<Answer>, permit: Permit): Promise<Answer> {
    const effect: CallEffect = call.method === 'GET' ? 'reads' : 'changes';
    const timeoutMs = permit.call.kind === 'create' ? CREATE_TIMEOUT_MS : TIMEOUT_MS;
    const { status, ok, headers, text } = await this.#exchange(call, permit, effect, timeoutMs);
    if (!ok) {
      const { code, message, retryAfterMs } = errorAnswerSchema.safeParse(jsonOf(text)).data ?? {};
      // The body states the waiting time in milliseconds, the headers in whole seconds.
      const rate = {
        ...readRate(headers, this.#clock.now()),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      };
      throw errorOfAnswer({ status, code, message, rate, call: nameOf(call) }, effect);
    }
    const parsed = call.answer.safeParse(jsonOf(text));
    if (!parsed.success) throw errorOfFailure(parsed.error, effect);
    return parsed.data;
  }

  async #exchange(call: Call<unknown>, permit: Permit, effect: CallEffect, timeoutMs: number) {
    try {
      return await within(this.#clock, timeoutMs, async (signal) => {
        const request = new Request(this.#url(call), {
          method: call.method,
          headers: this.#headers,
          ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
          redirect: 'manual',
        });
        const response = await this.#send(request, signal, permit);
        const { status, ok, headers } = response;
        return { status, ok, headers, text: await readBody(response) };
      });
    } catch (error) {
      throw errorOfFailure(error, effect);
    }
  }

  #url({ path, query = {} }: Call<unknown>): string {
    const url = new URL(`${this.#baseUrl}/${path.map(encodeURIComponent).join('/')}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.append(name, value);
    }
    return url.href;
  }
}

/**
 * Returns a call's description for the call gate. Paths are `account/…`, `locations`, or
 * `locations/<location>/<kind>/…`.
 */
export function governedAs(call: Call<unknown>): CloudCall {
  const { method, path } = call;
  const isCreate = method === 'POST' && path[2] === 'instances' && (path.length === 3 || path[3] === 'batch');
  const kind = isCreate ? 'create' : method === 'GET' ? 'list' : 'mutate';
  const location = path[0] === 'locations' ? path[1] : undefined;
  const { machines } = call;
  return {
    action: `sim:${meteredName(call)}`,
    kind,
    location,
    ...(machines === undefined ? {} : { machines }),
  };
}

/** Returns the name of the bucket from which a call takes: the clouds count calls of one name together. */
function meteredName(call: Call<unknown>): string {
  const [, , kind, which, verb] = call.path;
  if (kind !== 'instances') return nameOf(call);
  if (which === 'terminate') return 'DELETE instances';
  return verb === undefined ? nameOf(call) : `${call.method} instances ${verb}`;
}

/** Paths of calls for several machines. At this place of a path, other calls have the id of a machine. */
const FOR_SEVERAL: ReadonlySet<string> = new Set(['batch', 'terminate']);

/** Returns a call's name in errors, such as `POST instances`. */
function nameOf({ method, path }: Call<unknown>): string {
  const [first, , kind, which = ''] = path;
  const rest = FOR_SEVERAL.has(which) ? `/${which}` : '';
  return `${method} ${kind ?? first ?? ''}${rest}`;
}

/**
 * Returns the address of one cloud's API below the endpoint. @throws DriverError InvalidRequest if the endpoint is no
 * http(s) address
 */
export function cloudAddress(endpoint: string, cloud: string): string {
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DriverError('InvalidRequest', 'the endpoint must be an http or https URL');
  }
  return `${url.href.replace(/\/+$/, '')}/clouds/${encodeURIComponent(cloud)}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
