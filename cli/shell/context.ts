import type { Client } from '../../client/index.ts';
import type { ApiKey, ApiKeyRequest } from '../../functions/model/access.ts';
import type { LocalStack } from './local-stack.ts';

/** Where the API is, and with which key it is asked. */
export interface Session {
  apiUrl: string;
  apiKey: string;
}

export interface OutStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Where the API is, and who asks. */
export interface Session {
  apiUrl: string;
  apiKey: string;
}

/** Everything of the world that commands touch; tests put their own in its place. */
export interface World {
  stdout: OutStream;
  stderr: OutStream;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves early, never rejects, when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  readFile(path: string): Promise<string>;
  readStdin(): Promise<string>;
  /** Calls back at each Ctrl-C until the returned function is called; meanwhile Ctrl-C does nothing else. */
  onInterrupt(callback: () => void): () => void;
  connect(session: Session): Client;
  /** Makes an API key in the access table itself, with the AWS rights of whoever runs this. */
  issueKeyDirectly(table: string, request: ApiKeyRequest): Promise<ApiKey & { key: string }>;
  local: LocalStack;
}

/** What a command is given beside its own input. */
export interface Context {
  world: World;
  json: boolean;
  /** Opened at first use, as `local up` needs none. */
  api(): Promise<Client>;
  namespace(): Promise<string>;
  /** A line on stderr for whoever watches; never part of the result. */
  say(line: string): void;
}
