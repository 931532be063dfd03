import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listAudit } from '../../../../functions/features/audit/list-audit.ts';
import type { AuditEntry } from '../../../../functions/model/audit-entry.ts';
import { makeId } from '../../../../functions/model/identifiers.ts';
import { isoTime } from '../../../../functions/platform/runtime/clock.ts';
import { appendAudit } from '../../../../functions/platform/store/append-audit.ts';
import { fitted } from '../../../../functions/platform/store/audit-items.ts';
import { logOf } from '../../../../functions/platform/store/audit-keys.ts';
import { workerWorld } from '../../../samples/worker-world.ts';

const NOW_MS = Date.parse('2026-06-01T12:00:00Z');
const DAY_MS = 86_400_000;
let world: ReturnType<typeof workerWorld>;
let seed = 0;
const random = () => {
  seed = (seed * 16_807 + 11) % 2_147_483_647;
  return seed / 2_147_483_647;
};

beforeEach(() => {
  world = workerWorld(NOW_MS);
});
afterEach(() => world.end());

function entryAt(ms: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: makeId(ms, random),
    at: isoTime(ms),
    type: 'fleet.create',
    namespace: 'default',
    actor: { kind: 'key', name: '0123456789ab' },
    target: { kind: 'fleet', name: 'web-global', id: 'f0123456789abcdef' },
    result: 'succeeded',
    requestId: 'request-1',
    source: { ip: '192.0.2.1' },
    ...more,
  };
}
const append = (entries: readonly AuditEntry[]) =>
  Promise.all(entries.map((entry) => appendAudit(world.context.store, entry)));
const list = (
  filter: Parameters<typeof listAudit>[2] = {},
  page: Parameters<typeof listAudit>[3] = { limit: 1_000 },
  logs: readonly string[] | undefined = ['default'],
) => listAudit(world.context.store, logs, filter, page);

/** Reads all pages. @returns the entries, and the number of pages */
async function readAll(limit: number, filter = {}, logs?: readonly string[]) {
  const found: AuditEntry[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await listAudit(world.context.store, logs, filter, { limit, cursor });
    found.push(...page.items);
    cursor = page.cursor ?? undefined;
    pages += 1;
  } while (cursor !== undefined);
  return { found, pages };
}

describe('pages of the audit log', () => {
  it.each([1, 7, 50])(
    'pages of %i entries have each entry of all namespaces once, newest first, also if many have one time',
    async (limit) => {
      const entries = Array.from({ length: 120 }, (_one, at) => {
        const namespace = ['default', 'team-a', undefined][at % 3];
        const { namespace: _, ...rest } = entryAt(NOW_MS - Math.floor(at / 10) * 1_000);
        return namespace === undefined ? rest : { ...rest, namespace };
      });
      await append(entries);
      const { found } = await readAll(limit);
      const positions = found.map(({ at, id }) => `${at}#${id}`);
      expect(positions).toEqual(
        entries
          .map(({ at, id }) => `${at}#${id}`)
          .toSorted()
          .toReversed(),
      );
      const ofTeam = (await readAll(limit, {}, ['team-a'])).found;
      expect(ofTeam.map(({ namespace }) => namespace)).toEqual(Array.from({ length: 40 }, () => 'team-a'));
    },
  );

  it('entries that are appended between two pages do not appear in later pages, and shift nothing', async () => {
    const entries = Array.from({ length: 30 }, (_, at) => entryAt(NOW_MS - at * 1_000));
    await append(entries);
    const first = await list({}, { limit: 10 });
    await append([entryAt(NOW_MS + 5_000)]);
    const rest = await list({}, { limit: 100, cursor: first.cursor ?? '' });
    expect([...first.items, ...rest.items]).toEqual(entries);
  });

  it('a filter that matches few of many entries returns short pages with a cursor, and misses none', async () => {
    const entries = Array.from({ length: 2_500 }, (_, at) =>
      entryAt(NOW_MS - at * 1_000, at % 1_200 === 1_199 ? { result: 'refused', code: 'forbidden' } : {}),
    );
    await append(entries);
    const { found, pages } = await readAll(100, { result: 'refused' }, ['default']);
    expect(found).toHaveLength(2);
    expect(pages).toBe(2);
  });
});

describe('filters of the audit log', () => {
  const bySweep = () =>
    entryAt(NOW_MS - 1_000, {
      type: 'orphan.terminating',
      actor: { kind: 'sweep', name: 'sim-aws' },
      target: { kind: 'orphan', id: 'i-1' },
    });

  it.each([
    [{ type: 'fleet.create' }, ['fleet.create']],
    [{ type: 'orphan.*' }, ['orphan.terminating']],
    [{ type: 'fleet.delete' }, []],
    [{ actor: 'sweep' }, ['orphan.terminating']],
    [{ actor: 'sweep/sim-aws' }, ['orphan.terminating']],
    [{ actor: '0123456789ab' }, ['fleet.create']],
    [{ actor: 'key/sim-aws' }, []],
    [{ target: 'fleet/web-global' }, ['fleet.create']],
    [{ target: 'f0123456789abcdef' }, ['fleet.create']],
    [{ target: 'orphan' }, ['orphan.terminating']],
    [{ target: 'fleet/i-1' }, []],
    [{ result: 'succeeded' as const, actor: 'sweep' }, ['orphan.terminating']],
    [{ since: isoTime(NOW_MS) }, ['fleet.create']],
    [{ since: '2026-06-01T14:00:00+02:00' }, ['fleet.create']],
    [{ until: isoTime(NOW_MS) }, ['orphan.terminating']],
    [{ since: isoTime(NOW_MS - 1_000), until: isoTime(NOW_MS + 1) }, ['fleet.create', 'orphan.terminating']],
  ])('the filter %o finds %o', async (filter, types) => {
    await append([entryAt(NOW_MS), bySweep()]);
    expect((await list(filter)).items.map(({ type }) => type)).toEqual(types);
  });

  it('entries that have expired are not listed, although DynamoDB may not have deleted them yet', async () => {
    await append([entryAt(NOW_MS - 401 * DAY_MS), entryAt(NOW_MS - 399 * DAY_MS)]);
    expect((await list()).items).toHaveLength(1);
  });
});

describe('the items of the audit log', () => {
  const long = (length: number, text = '\u{1f600}') => text.repeat(length);
  const LARGEST: AuditEntry = entryAt(NOW_MS, {
    namespace: long(40, 'n'),
    type: `${long(40, 'a')}.${long(40, 'b')}`,
    actor: { kind: 'schedule', name: long(600) },
    target: { kind: 'connection', name: long(300), id: long(300) },
    result: 'succeeded',
    code: long(100),
    requestId: long(100),
    source: { ip: long(100), userAgent: long(500) },
    data: Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`fact${at}`, long(200)])),
  });

  /** Returns the size of an item as DynamoDB counts it (docs: "DynamoDB item sizes and formats"). */
  function sizeOf(value: unknown): number {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (typeof value !== 'object' || value === null) return 21;
    return Object.entries(value).reduce(
      (sum, [name, one]) => sum + Buffer.byteLength(name) + sizeOf(one) + 1,
      3,
    );
  }

  it('an entry with the longest names and texts is below 1 KB, so that it takes one write unit', async () => {
    await append([LARGEST]);
    const [item] = world.tables.audit.all().filter(({ pk }) => String(pk).startsWith('LOG#'));
    expect(sizeOf(item)).toBeLessThanOrEqual(1_024);
    expect((await list({}, { limit: 10 }, [LARGEST.namespace ?? ''])).items).toHaveLength(1);
  });

  it('control characters and invisible characters of a user agent are not stored', () => {
    const { source } = fitted(
      entryAt(NOW_MS, { source: { ip: '192.0.2.1', userAgent: 'a\u001b[31m\u202eb\nc' } }),
    );
    expect(source?.userAgent).toBe('a [31mb c');
  });

  it('an entry that is appended several times, also at the same time, is there once, as it was first', async () => {
    const entry = entryAt(NOW_MS);
    await append([entry]);
    await append([{ ...entry, result: 'unknown' }, entry, entry]);
    expect((await list()).items).toEqual([entry]);
  });

  it('the entries of a namespace spread over several partitions', async () => {
    await append(Array.from({ length: 100 }, (_, at) => entryAt(NOW_MS - at)));
    const partitions = world.tables.audit
      .all()
      .map(({ pk }) => String(pk))
      .filter((pk) => pk.startsWith('LOG#'));
    expect(new Set(partitions).size).toBe(4);
    expect(new Set(partitions.map(logOf))).toEqual(new Set(['default']));
  });

  it('an entry takes one write, except the first one of a namespace', async () => {
    let writes = 0;
    world.meet = async (input) => {
      if (input.includes('"Item"')) writes += 1;
    };
    await append([entryAt(NOW_MS)]);
    expect(writes).toBe(2);
    for (let at = 1; at <= 5; at += 1) await append([entryAt(NOW_MS + at * 1_000)]);
    expect(writes).toBe(7);
  });
});
