/**
 * One JSON line per entry on standard output, which Lambda keeps. Errors are written with name, message and stack;
 * nothing else of them, since clouds and SDKs hang requests, and with them credentials, on their errors.
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
