import * as z from 'zod';
import type { Cloud } from '../../model/cloud.ts';
import type { CallGate, CloudCall, Permit } from '../contract/call-gate.ts';
import { DriverError } from '../contract/errors.ts';
import { type CallEffect, errorOfFailure } from '../contract/no-answer.ts';
import { readBody } from '../contract/read-body.ts';
import { readRate } from '../contract/retry-after.ts';
import { type DriverClock, type Send, systemTime, within } from '../contract/surroundings.ts';
import { errorOfAnswer } from './errors.ts';

export interface Call<Answer> {
  /** Default: `list` for a GET, `mutate` for all other methods. */
  kind?: CloudCall['kind'];
  /** Undefined if the call concerns the whole account. */
  location: string | undefined;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The parts of the path below `/spider`. The transport escapes each part. */
  path: readonly [string, ...string[]];
  query?: Readonly<Record<string, string>>;
  body?: object;
  answer: z.ZodType<Answer>;
  timeoutMs?: number;
  /**
   * Set to `reads` for a write that can be repeated without harm. Default: `reads` for a GET, `changes` for all other
   * methods.
   */
  effect?: CallEffect;
}

/** The call's answer, or `under-way` if no answer came in time. CB-Spider continues such a call. */
export type HandedOver<Answer> = { answer: Answer } | 'under-way';

/** Returns the error that a refusal means. */
type Judge = (refusal: DriverError) => DriverError | Promise<DriverError>;

const READ_TIMEOUT_MS = 10_000;
const CHANGE_TIMEOUT_MS = 25_000;

const errorAnswerSchema = z.object({ message: z.string() });

/**
 * Sends requests to one CB-Spider server. CB-Spider has no time-outs. Therefore this class gives each call a
 * time-out.
 */
export class SpiderTransport {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #calls: CallGate;
  readonly #send: Send;
  readonly #cloud: Cloud | undefined;
  #judge: Judge = (refusal) => refusal;
  readonly clock: DriverClock;

  constructor(
    endpoint: string,
    username: string,
    password: string,
    calls: CallGate,
    send: Send,
    clock: DriverClock = systemTime,
    cloud?: Cloud,
  ) {
    this.#calls = calls;
    this.#cloud = cloud;
    this.#send = send;
    this.clock = clock;
    this.#baseUrl = spiderAddress(endpoint);
    this.#headers = {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    };
  }

  /** Sets what finds out what a refusal of one location means. The call gate then sees that meaning. */
  judgeBy(judge: Judge): void {
    this.#judge = judge;
  }

  async call<Answer>(call: Call<Answer>): Promise<Answer> {
    const effect = effectOf(call);
    try {
      return await this.#answer(call);
    } catch (error) {
      throw error instanceof DriverError ? error : errorOfFailure(error, effect);
    }
  }

  /**
   * Sends a call that CB-Spider may answer only after minutes, and stops waiting at the time limit. This is safe,
   * because CB-Spider continues the call even if the client disconnects.
   */
  async handOver<Answer>(call: Call<Answer>): Promise<HandedOver<Answer>> {
    try {
      return { answer: await this.#answer(call) };
    } catch (error) {
      if (error instanceof DriverError) throw error;
      if (error instanceof Error && error.name === 'TimeoutError') return 'under-way';
      throw errorOfFailure(error, effectOf(call));
    }
  }

  async #answer<Answer>(call: Call<Answer>): Promise<Answer> {
    const { method, path, location, kind = method === 'GET' ? 'list' : 'mutate' } = call;
    const action = `spider:${method} /${path.join('/')}`;
    return await this.#calls.send({ action, kind, location }, async (permit) => {
      try {
        return await this.#exchange(call, permit);
      } catch (error) {
        throw error instanceof DriverError && location !== undefined ? await this.#judge(error) : error;
      }
    });
  }

  async #exchange<Answer>(call: Call<Answer>, permit: Permit): Promise<Answer> {
    const { method, path, body, timeoutMs = method === 'GET' ? READ_TIMEOUT_MS : CHANGE_TIMEOUT_MS } = call;
    const { response, text } = await within(this.clock, timeoutMs, async (signal) => {
      const request = new Request(this.#url(call), {
        method,
        headers: this.#headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual',
      });
      const answered = await this.#send(request, signal, permit);
      return { response: answered, text: await readBody(answered) };
    });
    const answer = jsonOf(text);
    if (response.ok) return call.answer.parse(answer);
    const message = errorAnswerSchema.safeParse(answer).data?.message ?? '';
    throw errorOfAnswer(
      {
        status: response.status,
        message,
        call: `${method} /${path[0]}`,
        rate: readRate(response.headers, this.clock.now()),
        ...(this.#cloud === undefined ? {} : { cloud: this.#cloud }),
      },
      effectOf(call),
    );
  }

  #url({ path, query = {} }: Call<unknown>): string {
    const url = new URL(`${this.#baseUrl}/${path.map(encodeURIComponent).join('/')}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value);
    return url.href;
  }
}

function effectOf({ method, effect }: Call<unknown>): CallEffect {
  return effect ?? (method === 'GET' ? 'reads' : 'changes');
}

/** Returns the address of CB-Spider's API. @throws DriverError InvalidRequest if the endpoint is no http(s) address */
function spiderAddress(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DriverError('InvalidRequest', 'the endpoint must be an http or https URL');
  }
  const address = url.href.replace(/\/+$/, '');
  return address.endsWith('/spider') ? address : `${address}/spider`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
