import type { Client } from '../../client/index.ts';
import type { ApiKey, ApiKeyRequest } from '../../functions/model/access.ts';
import type { LocalStack } from './local-stack.ts';

export interface OutStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** The API that a command calls, and the key for it. */
export interface Session {
  apiUrl: string;
  apiKey: string;
}

/**
 * The world: what commands use outside their process (files, streams, the clock, the API, the local stack). Tests
 * replace the world.
 */
export interface World {
  stdout: OutStream;
  stderr: OutStream;
  env: Readonly<Record<string, string | undefined>>;
  /** Returns milliseconds since 1970. */
  now(): number;
  /** Waits. If the signal is aborted, the promise resolves early and does not reject. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  readFile(path: string): Promise<string>;
  readStdin(): Promise<string>;
  /** Calls `callback` at each Ctrl-C until the returned function is called. Until then Ctrl-C does nothing else. */
  onInterrupt(callback: () => void): () => void;
  connect(session: Session): Client;
  /** Makes an API key directly in the access table, with the user's AWS rights. */
  issueKeyDirectly(table: string, request: ApiKeyRequest): Promise<ApiKey & { key: string }>;
  local: LocalStack;
}

/** The dependencies that a command gets in addition to its input. */
export interface Context {
  world: World;
  json: boolean;
  /** Opens the client at the first use, because `local up` needs no client. */
  api(): Promise<Client>;
  namespace(): Promise<string>;
  /** Prints a line on stderr for the user. The line is not part of the result. */
  say(line: string): void;
}
