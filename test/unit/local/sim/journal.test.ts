import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBooks } from '../../../../local/sim/engine/books.ts';
import type { SimEvent } from '../../../../local/sim/engine/records.ts';
import { JournalError, readJournal, startJournal } from '../../../../local/sim/journal.ts';
import { VirtualClouds } from './virtual-clouds.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleetwright-sim-'));
  file = join(folder, 'clouds.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Returns clouds after at least one event of each kind that a journal records. */
function eventful(onEvent: (event: SimEvent) => void): VirtualClouds {
  const clouds = new VirtualClouds({ accounts: { locked: { apiKey: 'k' } } }, { onEvent });
  const ids = [1, 2, 3].map(() => clouds.create().body['id']);
  clouds.create('eu-west-1');
  clouds.fault({ kind: 'error', call: 'verify', count: 2 });
  clouds.fault({ kind: 'throttle', call: 'get', count: 1 });
  clouds.call({ call: 'verify' });
  clouds.wait(20);
  clouds.statusOf(ids[0]);
  clouds.terminate(ids[1]);
  clouds.wait(200);
  clouds.list();
  clouds.terminate(ids[2]);
  clouds.engine.world.commit({ kind: 'location', cloud: 'aws', location: 'us-west-2', up: false });
  return clouds;
}

test('a journal restores the same clouds, with the same faults, accounts and counts', () => {
  const journal = startJournal(file, []);
  const before = eventful((event) => journal.append(event));
  journal.close();
  const after = new VirtualClouds({}, { past: readJournal(file) });
  after.nowMs = before.nowMs;
  expect(readBooks(after.engine.world)).toEqual(readBooks(before.engine.world));
  expect(after.engine.world.state.faults).toEqual(before.engine.world.state.faults);
  expect(after.engine.world.state.accounts).toEqual(before.engine.world.state.accounts);
  after.wait(5);
  before.wait(5);
  expect(readBooks(after.engine.world)).toEqual(readBooks(before.engine.world));
  expect(after.call({ call: 'verify' }).status).toBe(500);
  expect(after.call({ call: 'verify' }).status).toBe(200);
});

test('a snapshot restores the same machines and counts from fewer events, and the restored clouds use no id twice', () => {
  const events: SimEvent[] = [];
  const before = eventful((event) => events.push(event));
  const snapshot = before.engine.world.state.snapshot();
  expect(snapshot.length).toBeLessThan(events.length);
  startJournal(file, snapshot).close();
  const after = new VirtualClouds({}, { past: readJournal(file) });
  after.nowMs = before.nowMs;
  expect(readBooks(after.engine.world)).toEqual(readBooks(before.engine.world));
  const known = readBooks(after.engine.world).clouds.flatMap(({ instances }) =>
    instances.map((one) => one.backendId),
  );
  expect(known).not.toContain(after.create(undefined, { launchToken: 'another' }).body['id']);
});

test('readJournal ignores an incomplete last line of a journal, and throws if a complete line is invalid', () => {
  const journal = startJournal(file, []);
  eventful((event) => journal.append(event));
  journal.close();
  const whole = readJournal(file);
  appendFileSync(file, '{"kind":"call","site":{"clo');
  expect(readJournal(file)).toEqual(whole);
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n{"kind":"call"}\n`);
  expect(() => readJournal(file)).toThrow(JournalError);
  expect(readJournal(join(folder, 'none.jsonl'))).toEqual([]);
});
