import type * as z from 'zod';
import type { CallGate, CloudCall, Permit } from '../contract/call-gate.ts';
import { DriverError } from '../contract/errors.ts';
import { type CallEffect, errorOfFailure } from '../contract/no-answer.ts';
import { readBody } from '../contract/read-body.ts';
import { readRate } from '../contract/retry-after.ts';
import { type DriverClock, type Send, within } from '../contract/surroundings.ts';
import { errorOfAnswer, jsonOf } from './errors.ts';

export interface HttpCall<Answer> {
  /** The service's name in errors. */
  service: string;
  /** Default: `list` for a GET, `mutate` for all other methods. */
  kind?: CloudCall['kind'];
  /** The region. Undefined for Keystone, which serves the whole cloud. */
  location: string | undefined;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** A URL without a query or a trailing slash. */
  baseUrl: string;
  /** The parts of the path below `baseUrl`. The transport escapes each part. */
  path: readonly string[];
  query?: Readonly<Record<string, string | undefined>>;
  body?: object;
  headers?: Readonly<Record<string, string>>;
  answer: z.ZodType<Answer>;
  /** Default: `reads` for a GET, `changes` for all other methods. */
  effect?: CallEffect;
  /** For a create call: the number of servers that it requests. Absent: one server. */
  machines?: number;
  /** True if the driver works without the call. */
  isOptional?: boolean;
  /** Deadline by the driver's clock. */
  deadlineMs: number;
}

export interface HttpAnswer<Answer> {
  body: Answer;
  headers: Headers;
}

const READ_TIMEOUT_MS = 15_000;
const CHANGE_TIMEOUT_MS = 25_000;

/** Sends a request with a time-out and checks its answer. Throws only DriverError. */
export class Transport {
  readonly clock: DriverClock;
  readonly #calls: CallGate;
  readonly #send: Send;

  constructor(calls: CallGate, send: Send, clock: DriverClock) {
    this.#calls = calls;
    this.#send = send;
    this.clock = clock;
  }

  async call<Answer>(call: HttpCall<Answer>): Promise<HttpAnswer<Answer>> {
    const action = `${call.service}:${call.method} /${call.path.join('/')}`;
    const kind = call.kind ?? (call.method === 'GET' ? 'list' : 'mutate');
    const { location, machines = 1, isOptional = false } = call;
    return await this.#calls.send({ action, kind, location, machines, isOptional }, (permit) =>
      this.#answer(call, permit),
    );
  }

  async #answer<Answer>(call: HttpCall<Answer>, permit: Permit): Promise<HttpAnswer<Answer>> {
    const effect = call.effect ?? (call.method === 'GET' ? 'reads' : 'changes');
    const { action: name } = permit.call;
    const timeoutMs = Math.min(
      effect === 'reads' ? READ_TIMEOUT_MS : CHANGE_TIMEOUT_MS,
      Math.floor(call.deadlineMs - this.clock.now()),
    );
    if (timeoutMs <= 0)
      throw new DriverError('Unavailable', `${name}: the time limit ended before the request could be sent`, {
        call: name,
      });
    const { status, ok, headers, text } = await this.#exchange(
      urlOf(call, name),
      call,
      permit,
      effect,
      timeoutMs,
    );
    if (!ok) {
      const answer = { call: name, status, text, rate: readRate(headers, this.clock.now()) };
      throw errorOfAnswer(answer, effect);
    }
    const parsed = call.answer.safeParse(text === '' ? {} : jsonOf(text));
    if (!parsed.success) throw errorOfFailure(parsed.error, effect);
    return { body: parsed.data, headers };
  }

  async #exchange(
    url: string,
    call: HttpCall<unknown>,
    permit: Permit,
    effect: CallEffect,
    timeoutMs: number,
  ) {
    try {
      return await within(this.clock, timeoutMs, async (signal) => {
        const request = new Request(url, {
          method: call.method,
          headers: { accept: 'application/json', 'content-type': 'application/json', ...call.headers },
          ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
          // The token must be sent only to addresses from the cloud's service catalogue. Therefore redirects are not
          // followed.
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
}

function urlOf({ baseUrl, path, query = {} }: HttpCall<unknown>, name: string): string {
  if (path.some((part) => /^\.{0,2}$/.test(part))) {
    throw new DriverError('NotFound', `${name}: the id does not exist`, { call: name });
  }
  const url = new URL(`${baseUrl}/${path.map(encodeURIComponent).join('/')}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.append(name, value);
  }
  return url.href;
}
