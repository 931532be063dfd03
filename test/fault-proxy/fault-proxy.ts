import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { forward, type ProxiedRequest, type ProxiedResponse, readBody } from './exchange.ts';
import { type CannedAnswer, type Fault, Faults, responseOf } from './faults.ts';
import { type IdempotencyMode, type TokenDialect, TokenMemory } from './token-memory.ts';

/** Describes a cloud's protocol to the proxy. */
export interface Dialect {
  /** Returns the name of the call that a request makes. Faults refer to these names. */
  callOf(request: ProxiedRequest): string;
  /** The cloud's throttling answer. */
  throttled: CannedAnswer;
  tokens?: TokenDialect;
  /** Changes a request before the proxy passes it on, for instance to make pages small. */
  rewrite?(request: ProxiedRequest): ProxiedRequest;
}

export interface FaultProxyOptions {
  /**
   * URLs of the servers behind the proxy, by a name that the caller chooses. The proxy opens one port for
   * each server.
   */
  upstreams: Readonly<Record<string, string>>;
  dialect: Dialect;
  idempotency?: IdempotencyMode;
  /**
   * Replaces the servers' addresses in answers by the proxy's addresses. Needed if the cloud's catalogue
   * lists addresses.
   */
  rewriteOrigins?: boolean;
}

/** A request that the proxy got, and its outcome. */
export interface SeenCall {
  call: string;
  request: ProxiedRequest;
  /** Status of the proxy's answer. Absent if the proxy gave no answer, or has not answered yet. */
  status?: number;
}

const MOST_SEEN = 1_000;
/**
 * Options of the proxy's ports. The proxy never closes an idle connection. A call is therefore lost only by a
 * fault, even on a slow machine.
 */
const KEEPS_CONNECTIONS = { keepAliveTimeout: 0 };
const FORGOTTEN_HEADERS = { 'content-type': 'text/plain' };

/**
 * Passes HTTP requests on to servers, and injects the faults of a real cloud. The proxy reads a body
 * completely before it passes the body on.
 */
export class FaultProxy {
  readonly faults = new Faults();
  readonly memory = new TokenMemory();
  /** The number of requests since the proxy was started. */
  requests = 0;
  /** The latest calls since `calm` was last called, oldest first; at most `MOST_SEEN`. */
  readonly seen: SeenCall[] = [];
  idempotency: IdempotencyMode;
  readonly #options: FaultProxyOptions;
  readonly #servers = new Map<string, Server>();
  readonly #origins = new Map<string, { upstream: URL; own: string }>();

  constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.idempotency = options.idempotency ?? 'pass';
  }

  async start(): Promise<this> {
    for (const [name, address] of Object.entries(this.#options.upstreams)) {
      const server = createServer(KEEPS_CONNECTIONS, (incoming, outgoing) => {
        this.#handle(name, incoming, outgoing).catch((error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          if (!outgoing.headersSent) outgoing.writeHead(502, FORGOTTEN_HEADERS);
          outgoing.end(`the server behind the proxy does not answer: ${message}`);
        });
      });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
      await promise;
      this.#servers.set(name, server);
      this.#origins.set(name, { upstream: new URL(address), own: `http://127.0.0.1:${portOf(server)}` });
    }
    return this;
  }

  /** Returns the proxy's URL for the server `upstream`, with the path of that server's URL. */
  urlOf(upstream: string): string {
    const {
      own,
      upstream: { pathname },
    } = this.#originOf(upstream);
    return pathname === '/' ? own : `${own}${pathname}`;
  }

  /**
   * Clears faults and recorded calls. Keeps the remembered answers to idempotency tokens, as a cloud would.
   */
  calm(): void {
    this.faults.clear();
    this.seen.length = 0;
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#servers.values()].map((server) => {
        const closed = Promise.withResolvers<void>();
        server.close(() => closed.resolve());
        server.closeAllConnections();
        return closed.promise;
      }),
    );
  }

  async #handle(upstream: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    this.requests += 1;
    const { dialect } = this.#options;
    const read: ProxiedRequest = {
      upstream,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: incoming.headers,
      body: await readBody(incoming),
    };
    const asked = dialect.rewrite?.(read) ?? read;
    const call = dialect.callOf(asked);
    const seen: SeenCall = { call, request: read };
    this.seen.push(seen);
    if (this.seen.length > MOST_SEEN) this.seen.shift();
    const response = await this.#answer(asked, this.faults.take(call));
    if (response === 'hang') return;
    if (response === 'reset') {
      incoming.socket.resetAndDestroy();
      return;
    }
    if (response === 'cut') {
      incoming.socket.destroy();
      return;
    }
    seen.status = response.status;
    const body = this.#withOwnOrigins(response.body);
    outgoing.writeHead(response.status, { ...response.headers, 'content-length': body.length });
    outgoing.end(asked.method === 'HEAD' ? undefined : body);
  }

  async #answer(
    asked: ProxiedRequest,
    fault: Fault | undefined,
  ): Promise<ProxiedResponse | 'hang' | 'reset' | 'cut'> {
    switch (fault?.kind) {
      case undefined:
        return await this.#ask(asked);
      case 'throttle':
        return responseOf(this.#options.dialect.throttled);
      case 'answer':
        return responseOf(fault.answer);
      case 'answerAfterEffect':
        await this.#ask(asked);
        return responseOf(fault.answer);
      case 'delay':
        await sleep(fault.delayMs);
        return await this.#ask(asked);
      case 'edit': {
        const answer = await this.#ask(asked);
        return { ...answer, body: Buffer.from(fault.edit(answer.body.toString('utf8'))) };
      }
      case 'reset':
      case 'hang':
        return fault.kind;
      case 'loseReplyBeforeEffect':
        return 'cut';
      case 'loseReplyAfterEffect':
        await this.#ask(asked);
        return 'cut';
    }
  }

  #ask(asked: ProxiedRequest): Promise<ProxiedResponse> {
    const { upstream } = this.#originOf(asked.upstream);
    const { tokens } = this.#options.dialect;
    const token = this.idempotency === 'pass' ? undefined : tokens?.tokenOf(asked);
    if (token === undefined || !tokens) return forward(upstream, asked);
    if (this.idempotency === 'remove') return forward(upstream, tokens.withoutToken(asked));
    return this.memory.answer(token, () => forward(upstream, asked));
  }

  #withOwnOrigins(body: Buffer): Buffer {
    if (!this.#options.rewriteOrigins) return body;
    let text = body.toString('utf8');
    for (const { upstream, own } of this.#origins.values()) text = text.replaceAll(upstream.origin, own);
    return Buffer.from(text);
  }

  #originOf(upstream: string) {
    const known = this.#origins.get(upstream);
    if (!known) throw new RangeError(`no server ${upstream} behind the proxy`);
    return known;
  }
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  return await new FaultProxy(options).start();
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the proxy does not listen');
  return address.port;
}
