import type { Client } from '../../client/index.ts';
import type { ApiKey, ApiKeyRequest } from '../../functions/model/access.ts';
import type { AwsAccount, AwsSettings } from './aws-calls.ts';
import type { DeploymentTables, TableNames } from './direct-tables.ts';
import type { LocalStack } from './local-stack.ts';
import type { StageNeeds } from './stage-needs.ts';

export interface OutStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** URL of the API that a command calls, and an API key for that API. */
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
  /** Waits for `ms` milliseconds, or until the signal is aborted. Does not reject in either case. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  readFile(path: string): Promise<string>;
  /** Reads a file that need not be text. @param mostBytes reading ends one byte after this length */
  readBytes(path: string, mostBytes: number): Promise<Uint8Array>;
  /** Reads standard input to its end. @param mostBytes reading ends after the part that exceeds this length */
  readStdin(mostBytes: number): Promise<Uint8Array>;
  /** Asks the user on the terminal. @returns the answer; undefined if no terminal is attached */
  ask(question: string): Promise<string | undefined>;
  /**
   * Writes a file that must not exist yet. When it returns, the disk has the content and the name.
   *
   * @throws Error with the code EEXIST if the file exists
   */
  writeNewFile(path: string, text: string): Promise<void>;
  /**
   * Calls `callback` at each Ctrl-C, instead of ending the process, until the returned function is called.
   */
  onInterrupt(callback: () => void): () => void;
  connect(session: Session): Client;
  /** Writes a new API key to the access table without the API, with the user's AWS rights. */
  issueKeyDirectly(table: string, request: ApiKeyRequest): Promise<ApiKey & { key: string }>;
  /** Opens an AWS account with the user's AWS rights. @throws AwsRefusal if no region is set */
  openAccount(settings: AwsSettings): Promise<AwsAccount>;
  /** Opens the tables of a deployment with the user's AWS rights. */
  openTables(settings: AwsSettings, tables: TableNames): Promise<DeploymentTables>;
  /** Reads what a stage's stack uses, as the settings of the CDK app say. */
  stageNeeds(stage: Parameters<typeof import('./stage-needs.ts').stageNeeds>[0]): Promise<StageNeeds>;
  /**
   * Returns the URL at which this machine reaches the API of a stack.
   *
   * @param output the stack's output `ApiUrl`
   * @param engineUrl URL of the local engine that has the stack, which serves the API at another URL
   */
  apiUrlOf(output: string, engineUrl: string | undefined): Promise<string>;
  fetch: typeof fetch;
  local: LocalStack;
}

/** What a command gets in addition to its arguments and flags. */
export interface Context {
  world: World;
  json: boolean;
  /**
   * Returns the API's client. Opens the client at the first call, because not every command needs a client.
   */
  api(): Promise<Client>;
  namespace(): Promise<string>;
  /** The values of the flag `--namespace` on the command line, unchecked. */
  givenNamespaces: readonly string[];
  /** Prints a line on stderr for the user. The line is not part of the result. */
  say(line: string): void;
}
