import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_UNKNOWN_WORDS } from '../../../../functions/model/unknown-words.ts';
import { shapeOf } from '../../../../functions/model/word-shape.ts';
import { countUnknownWords, readUnknownWords } from '../../../../functions/platform/store/unknown-words.ts';
import { WordCounter } from '../../../../functions/platform/worker/note-words.ts';
import { ClientLoans, governorTable, NOON } from '../governor/governor-table.ts';

const loans = new ClientLoans();
let table: ReturnType<typeof governorTable>;
beforeEach(() => {
  table = governorTable(loans);
});
afterEach(() => loans.takeBack());

const OWNER = { connectionKey: 'sim/default/spider', createdAt: '2026-01-01T00:00:00.000Z' };
const said = (message: string) => ({ call: 'spider:POST /vm', code: 'OutcomeUnknown', message });
const count = (message: string, times = 1) => countUnknownWords(table.store, OWNER, said(message), times);
const words = async () => (await readUnknownWords(table.store, OWNER)).items;

it.each([
  ['quota 12 of 20 is used', 'quota # of # is used'],
  ['request 0f1e1d00-0000-4000-8000-000000000012 failed', 'request # failed'],
  ['virtualMachines/d2tb0ejfli81bum4jqgg is odd', 'virtualMachines/# is odd'],
  ['runtime  error:\n index out of range [7]', 'runtime error: index out of range [#]'],
])('the shape of “%s” is “%s”', (message, shape) => {
  expect(shapeOf(message)).toBe(shape);
});

describe('words that no table knows', () => {
  it('answers that differ only in numbers and ids are counted together, with the first as the example', async () => {
    await count('house 1');
    table.clock.nowMs += 60_000;
    await count('house 2', 3);
    await count('garden');
    expect(await words()).toMatchObject([
      { shape: expect.anything(), count: expect.any(Number) },
      { shape: expect.anything(), count: expect.any(Number) },
    ]);
    expect((await words()).find(({ shape }) => shape === 'house #')).toEqual({
      shape: 'house #',
      call: 'spider:POST /vm',
      code: 'OutcomeUnknown',
      count: 4,
      firstSeenAt: '2026-01-01T12:00:00.000Z',
      lastSeenAt: '2026-01-01T12:01:00.000Z',
      example: 'house 1',
    });
  });

  it('a connection keeps at most fifty texts, and forgets those that were seen last longest ago', async () => {
    for (let n = 0; n < MAX_UNKNOWN_WORDS + 5; n += 1) {
      table.clock.nowMs = NOON + n * 1_000;
      await count(`words ${'x'.repeat(n + 1)}`);
    }
    const kept = await words();
    expect(kept).toHaveLength(MAX_UNKNOWN_WORDS);
    expect(kept[0]?.shape).toBe(`words ${'x'.repeat(MAX_UNKNOWN_WORDS + 5)}`);
    expect(kept.some(({ shape }) => shape === 'words x')).toBe(false);
  });

  it('a later connection of the same name has no words of the earlier one', async () => {
    await count('house');
    const later = { ...OWNER, createdAt: '2026-02-01T00:00:00.000Z' };
    expect((await readUnknownWords(table.store, later)).items).toEqual([]);
  });

  it('long texts are cut, and a text that was not seen for 30 days is no longer shown', async () => {
    await count('y'.repeat(5_000));
    const [one] = await words();
    expect([one?.shape.length, one?.example.length]).toEqual([300, 500]);
    table.clock.nowMs += 31 * 86_400_000;
    expect(await words()).toEqual([]);
  });
});

describe('the counter of a process', () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} };

  it('writes once a minute after the first answers, and counts all of them', async () => {
    const counter = new WordCounter(table.store, log);
    for (let n = 0; n < 100; n += 1) await counter.note(OWNER, said(`house ${n}`));
    const puts = () => table.calls.filter((call) => call === 'PutCommand').length;
    expect(puts()).toBe(5);
    table.clock.nowMs += 61_000;
    await counter.note(OWNER, said('house'.concat(' 7')));
    expect(puts()).toBe(6);
    expect((await words())[0]?.count).toBe(101);
  });

  it('a failed write is told in the log, and is made up for by the next one', async () => {
    const warned: string[] = [];
    const broken = {
      ...table.store,
      document: loans.lend(async () => Promise.reject(new Error('no table'))),
    };
    const counter = new WordCounter(broken, { ...log, warn: (text: string) => warned.push(text) });
    await counter.note(OWNER, said('house'));
    expect(warned).toEqual(['unknown words of a cloud could not be counted']);
  });
});
