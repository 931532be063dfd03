import type { Lab } from '../chaos/world/lab.ts';

/**
 * The texts that the control plane wrote, for each place (logs, events, tables and others). A text that
 * occurs several times in a place is kept once.
 */
export class Places {
  readonly texts = new Map<string, Set<string>>();

  add(place: string, text: string): void {
    const texts = this.texts.get(place) ?? new Set();
    this.texts.set(place, texts);
    // JSON within JSON is escaped twice. Each string is therefore kept separately, without escapes.
    for (const one of stringsIn(parsed(text))) texts.add(one);
  }

  addValue(place: string, value: unknown): void {
    this.add(place, JSON.stringify(value, errorsToo) ?? '');
  }

  /**
   * Adds what tables, events, workflow histories and queues contain at the end of a run. The Parameter Store
   * is left out, because secrets belong there.
   */
  collect({ tables, events, workflow, queues }: Lab): void {
    const { fleets, governor, access, catalogue, history } = tables;
    for (const table of [fleets, governor, access, catalogue, history]) {
      for (const item of table.all()) this.addValue(`table ${table.name}`, item);
    }
    for (const event of events) this.addValue('events', event);
    for (const { input, outcome } of workflow.engine.executions)
      this.addValue('histories', { input, outcome });
    for (const queue of queues.values()) {
      for (const letter of [...queue.bodies, ...queue.deadLetters]) this.addValue('messages', letter);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    const inner = parsed(value);
    return inner === value || typeof inner === 'number' ? [value] : [value, ...stringsIn(inner)];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...stringsIn(member)]);
}

function errorsToo(_name: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
