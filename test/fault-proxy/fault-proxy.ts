import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { forward, type ProxiedRequest, type ProxiedResponse, readBody } from './exchange.ts';
import { type CannedAnswer, type Fault, Faults, responseOf } from './faults.ts';
import { type IdempotencyMode, type TokenDialect, TokenMemory } from './token-memory.ts';

/** What the proxy has to know of the protocol that it stands in. */
export interface Dialect {
  /** A name of our choosing for what a request asks; faults are aimed at these. */
  callOf(request: ProxiedRequest): string;
  /** How the cloud says that there were too many calls. */
  throttled: CannedAnswer;
  tokens?: TokenDialect;
  /** Changes requests on their way, such as to make pages small. */
  rewrite?(request: ProxiedRequest): ProxiedRequest;
}

export interface FaultProxyOptions {
  /** Servers behind the proxy, by names of the caller's choosing; each gets a port of its own. */
  upstreams: Readonly<Record<string, string>>;
  dialect: Dialect;
  idempotency?: IdempotencyMode;
  /** Whether addresses of upstreams in answers are replaced by those of the proxy, for clouds with a catalogue of them. */
  rewriteOrigins?: boolean;
}

/** A request that came by, and what became of it. */
export interface SeenCall {
  call: string;
  request: ProxiedRequest;
  /** Absent: no answer, or none yet. */
  status?: number;
}

const MOST_SEEN = 1_000;
/** Never closes an idle connection: no call may be lost but by a fault, however late it comes on a busy machine. */
const KEEPS_CONNECTIONS = { keepAliveTimeout: 0 };
const FORGOTTEN_HEADERS = { 'content-type': 'text/plain' };

/**
 * An HTTP proxy that makes a server behave as badly as a real cloud does at times. Bodies are read whole, so what
 * streams for ever never arrives.
 */
export class FaultProxy {
  readonly faults = new Faults();
  readonly memory = new TokenMemory();
  /** Requests that came by, since the proxy was started. */
  requests = 0;
  /** The latest calls, oldest first. */
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

  /** The proxy's address for a server behind it, with the path of the server's own. */
  urlOf(upstream: string): string {
    const {
      own,
      upstream: { pathname },
    } = this.#originOf(upstream);
    return pathname === '/' ? own : `${own}${pathname}`;
  }

  /** Forgets faults and what it has seen; answers to tokens stay known, as those of a cloud would. */
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
