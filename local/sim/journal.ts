import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type SimEvent, simEventSchema } from './engine/records.ts';

/** Thrown for a journal that the simulator cannot have written. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/**
 * Reads all events of a journal. Ignores an incomplete last line: the server was killed while it wrote this
 * line, before it answered the call.
 *
 * @throws JournalError
 */
export function readJournal(file: string): SimEvent[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line, at) => {
    try {
      return simEventSchema.parse(JSON.parse(line));
    } catch (error) {
      throw new JournalError(
        `${file}, line ${at + 1}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  });
}

export interface Journal {
  append(event: SimEvent): void;
  close(): void;
}

/**
 * Starts a journal with a snapshot, and replaces the earlier journal. Each event is written before the
 * simulator answers the call that caused the event. Events survive a killed process, but may not survive a
 * power cut.
 */
export function startJournal(file: string, snapshot: readonly SimEvent[]): Journal {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.new`;
  // Only the user may read the journal, because it contains accounts' keys.
  writeFileSync(fresh, snapshot.map(lineOf).join(''), { mode: 0o600 });
  renameSync(fresh, file);
  const handle = openSync(file, 'a');
  return { append: (event) => void writeSync(handle, lineOf(event)), close: () => closeSync(handle) };
}

function lineOf(event: SimEvent): string {
  return `${JSON.stringify(event)}\n`;
}
