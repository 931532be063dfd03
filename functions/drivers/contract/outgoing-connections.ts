import { lookup as lookupName } from 'node:dns/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import { type AllowedAddresses, refusalText, refusedAddress, refusedHost } from './outgoing-address.ts';

/** Agents for requests to addresses that users, or answers of clouds, name. */
export interface OutgoingConnections {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

export interface FoundAddress {
  address: string;
  family: number;
}

/** Returns all addresses of a host name. Tests pass in a resolver of their own. */
export type Resolve = (hostname: string) => Promise<readonly FoundAddress[]>;

export const ADDRESS_REFUSED = 'ADDRESS_REFUSED';
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT';

/** No connection was opened, so that nothing was sent. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected';
  readonly code: typeof ADDRESS_REFUSED | typeof CONNECT_TIMEOUT;

  constructor(code: typeof ADDRESS_REFUSED | typeof CONNECT_TIMEOUT, message: string) {
    super(message);
    this.code = code;
  }
}

/** Time limit for a connection to open, including its TLS handshake, in ms. */
const CONNECT_MS = 10_000;

/**
 * Opens agents that check each address when they connect. The socket connects to the address that was checked: its name is
 * not looked up a second time, so that a DNS server cannot answer another address after the check. Refused addresses of a
 * name are left out. A name with refused addresses only is an error `NotConnected`.
 */
export function openConnections(
  allowed: AllowedAddresses,
  resolve: Resolve = resolveAll,
): OutgoingConnections {
  const options = { keepAlive: true, lookup: checkedLookup(allowed, resolve) };
  return { http: new HttpAgent(options, allowed), https: new HttpsAgent(options, allowed) };
}

const resolveAll: Resolve = (hostname) => lookupName(hostname, { all: true });

type Done = (error: Error | null, stream: Duplex) => void;

class HttpAgent extends http.Agent {
  readonly #allowed: AllowedAddresses;

  constructor(options: http.AgentOptions, allowed: AllowedAddresses) {
    super(options);
    this.#allowed = allowed;
  }

  override createConnection(options: http.ClientRequestArgs, done?: Done): Duplex | null | undefined {
    return connect('connect', options.host, this.#allowed, done, () => super.createConnection(options, done));
  }
}

class HttpsAgent extends https.Agent {
  readonly #allowed: AllowedAddresses;

  constructor(options: https.AgentOptions, allowed: AllowedAddresses) {
    super(options);
    this.#allowed = allowed;
  }

  override createConnection(options: https.RequestOptions, done?: Done): Duplex | null | undefined {
    return connect('secureConnect', options.host, this.#allowed, done, () =>
      super.createConnection(options, done),
    );
  }
}

/**
 * Connects, unless the host is an address that is refused. Sockets look up only names, so that an address in a URL has to be
 * checked here.
 *
 * @param opened the event of the socket after which a request can be sent
 */
function connect(
  opened: 'connect' | 'secureConnect',
  host: string | null | undefined,
  allowed: AllowedAddresses,
  done: Done | undefined,
  open: () => Duplex | null | undefined,
): Duplex | null | undefined {
  const refused = refusedHost(host ?? '', allowed);
  if (refused) {
    const error = new NotConnected(ADDRESS_REFUSED, refusalText(host ?? '', refused));
    if (!done) throw error;
    // The agent ignores the stream when it gets an error.
    done(error, new PassThrough());
    return undefined;
  }
  const socket = open();
  if (!socket) return socket;
  const timer = setTimeout(() => {
    socket.destroy(new NotConnected(CONNECT_TIMEOUT, `no connection within ${CONNECT_MS / 1_000} seconds`));
  }, CONNECT_MS);
  const clear = () => clearTimeout(timer);
  socket.once(opened, clear).once('close', clear);
  return socket;
}

function checkedLookup(allowed: AllowedAddresses, resolve: Resolve): LookupFunction {
  return (hostname, { all, family }, callback) => {
    const wanted = family === 4 || family === 'IPv4' ? 4 : family === 6 || family === 'IPv6' ? 6 : undefined;
    findAllowed(hostname, allowed, resolve, wanted).then(
      (found) => {
        const [first] = found;
        if (all) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };
}

async function findAllowed(
  hostname: string,
  allowed: AllowedAddresses,
  resolve: Resolve,
  family: 4 | 6 | undefined,
): Promise<[FoundAddress, ...FoundAddress[]]> {
  const named = refusedHost(hostname, allowed);
  if (named) throw new NotConnected(ADDRESS_REFUSED, refusalText(hostname, named));
  const found = (await resolve(hostname)).filter((one) => family === undefined || one.family === family);
  const [first, ...others] = found.filter(({ address }) => !refusedAddress(address, hostname, allowed));
  if (first) return [first, ...others];
  const [address = ''] = found.map((one) => one.address);
  const refused = address === '' ? undefined : refusedAddress(address, hostname, allowed);
  if (refused) {
    const what = `${hostname} has the address ${address}, which`;
    throw new NotConnected(ADDRESS_REFUSED, refusalText(what, refused));
  }
  throw Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
