/**
 * Writes one JSON line for each message to standard output, which Lambda stores as a log. For an error, it writes only
 * name, message and stack, because errors of clouds and SDKs may contain requests with their credentials.
 */
export interface Logger {
  info(message: string, detail?: Record<string, unknown>): void;
  warn(message: string, detail?: Record<string, unknown>): void;
  error(message: string, detail?: Record<string, unknown>): void;
}

type Level = 'info' | 'warn' | 'error';

export function makeLogger(write: (line: string) => void): Logger {
  const log =
    (level: Level) =>
    (message: string, detail: Record<string, unknown> = {}) => {
      const plain = Object.entries(detail).map(([name, value]) => [
        name,
        value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value,
      ]);
      write(JSON.stringify({ level, message, ...Object.fromEntries(plain) }));
    };
  return { info: log('info'), warn: log('warn'), error: log('error') };
}

export const logger: Logger = makeLogger((line) => process.stdout.write(`${line}\n`));
