/** The stack on this machine, as `local` commands need it. Its progress goes to `say`. */
export interface LocalStack {
  up(options: { simConfig: string | undefined; say(line: string): void }): Promise<LocalAddresses>;
  down(options: { say(line: string): void }): Promise<{ stopped: readonly string[] }>;
  status(): Promise<{ running: boolean; parts: readonly LocalPart[] }>;
  logs(options: {
    follow: boolean;
    lines: number;
    write(text: string): void;
    signal: AbortSignal;
  }): Promise<void>;
}

/** What `local up --json` prints. */
export interface LocalAddresses {
  apiUrl: string;
  apiKey: string;
  simUrl: string;
  engineUrl: string;
  namespace: string;
}

export interface LocalPart {
  name: string;
  status: string;
  url?: string | undefined;
  pid?: number | undefined;
}
