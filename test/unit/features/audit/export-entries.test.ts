import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportEntries } from '../../../../functions/features/audit/export-entries.ts';
import { type AuditEntry, auditEntrySchema } from '../../../../functions/model/audit-entry.ts';
import type { StreamedEntry } from '../../../../functions/platform/store/streamed-audit.ts';
import { workerWorld } from '../../../samples/worker-world.ts';

let world: ReturnType<typeof workerWorld>;
/** The objects in the bucket, by key. */
let objects: Map<string, string>;
beforeEach(() => {
  world = workerWorld(Date.parse('2026-06-01T12:00:00Z'));
  objects = new Map();
});
afterEach(() => world.end());

const PARTITIONS = ['LOG#default#0', 'LOG#default#3', 'LOG#*#1'];

/** Returns the entries of a stream: number n of all, with partitions in turn. */
function stream(count: number): StreamedEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const entry: AuditEntry = {
      id: `id${String(at).padStart(4, '0')}`,
      at: '2026-05-31T23:59:00.000Z',
      type: 'fleet.create',
      actor: { kind: 'key', name: 'k' },
      target: { kind: 'fleet', name: `fleet-${at}` },
      result: 'succeeded',
    };
    // The sequence numbers of DynamoDB have up to 40 digits, and not all the same number of digits.
    return { partition: PARTITIONS[at % 3] ?? '', sequence: `99999999999999999${90 + at}`, entry };
  });
}

const put = (key: string, text: string) => Promise.resolve(void objects.set(key, text));
const run = (batch: readonly StreamedEntry[], write = put) =>
  exportEntries({ store: world.context.store, put: write }, batch);
const exported = () =>
  [...objects.values()]
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((line) => auditEntrySchema.parse(JSON.parse(line)).id)
    .toSorted();

it('the entries of each partition are lines of one object, in a folder of the namespace and the day', async () => {
  const keys = await run(stream(6));
  expect(keys.map((key) => key.replace(/0+(?=9)/, ''))).toEqual([
    'audit/namespaces/default/2026/05/31/0-9999999999999999990.jsonl',
    'audit/namespaces/default/2026/05/31/3-9999999999999999991.jsonl',
    'audit/deployment/2026/05/31/1-9999999999999999992.jsonl',
  ]);
  expect([...objects.values()].map((text) => text.split('\n').length - 1)).toEqual([2, 2, 2]);
});

it('a batch that comes again, also with other ends, exports no entry twice and loses none', async () => {
  const entries = stream(60);
  await run(entries.slice(0, 20));
  await run(entries.slice(0, 20));
  await run(entries.slice(0, 45));
  await run(entries.slice(10, 30));
  await run(entries.slice(20));
  expect(exported()).toEqual(entries.map(({ entry }) => entry.id));
});

it('a function that ends at any of its steps, with batches of other lengths afterwards, exports each entry once', async () => {
  const entries = stream(24);
  let wasKilled = true;
  let killedAt = 0;
  for (; wasKilled; killedAt += 1) {
    world.end();
    world = workerWorld(Date.parse('2026-06-01T12:00:00Z'));
    objects = new Map();
    let steps = 0;
    const step = () => {
      if (steps++ === killedAt) throw new Error('killed');
    };
    world.meet = async () => step();
    const first = run(entries.slice(0, 12), async (key, text) => {
      step();
      await put(key, text);
      // The object may be there although the function never gets the answer.
      step();
    });
    const ended = await Promise.allSettled([first]);
    wasKilled = steps > killedAt;
    expect(ended).toMatchObject(
      wasKilled ? [{ status: 'rejected', reason: new Error('killed') }] : [{ status: 'fulfilled' }],
    );
    world.meet = () => Promise.resolve();
    const rest = killedAt % 2 === 0 ? entries.slice(0, 7) : entries;
    await run(rest);
    await run(entries);
    expect(exported(), `killed at step ${killedAt}`).toEqual(entries.map(({ entry }) => entry.id));
  }
  // Each of three partitions has a read, an object and a mark.
  expect(killedAt).toBeGreaterThan(9);
});
