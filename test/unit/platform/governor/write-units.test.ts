import { afterEach, expect, it } from 'vitest';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import { releaseSlots } from '../../../../functions/platform/governor/release-slots.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../../chaos/models/dynamo/table.ts';
import { limits, NOON, want } from './wanted.ts';

const SLOTS = 1_000;
const PER_SECOND = 500;
const BATCH = 10;
const SECONDS = 12;
/** Time for which an instance holds its slot, in ms. During this time, the creates take all slots. */
const BOOT_MS = (SLOTS / PER_SECOND) * 1_000;
/** Interval of the polls while launches wait for slots, in ms. */
const POLL_MS = 500;
/** DynamoDB's maximum number of write units a second for one partition key. */
const MOST_UNITS_PER_SECOND = 1_000;

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

/** Returns an item's size in bytes by DynamoDB's rules. A string takes its UTF-8 bytes, a number half its digits. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(value).replace(/[.-]/g, '').length / 2) + 1;
  if (typeof value !== 'object' || value === null) return 1;
  const parts = Object.entries(value).map(
    ([name, part]) => (Array.isArray(value) ? 0 : Buffer.byteLength(name)) + sizeOf(part) + 1,
  );
  return 3 + parts.reduce((sum, one) => sum + one, 0);
}

it(`the governor permits ${PER_SECOND} creates a second at one site within the write limit of a partition key`, async () => {
  let nowMs = NOON;
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const table = new Table('governor');
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 1_000, unprocessed: () => 0 };
  const dynamo = new Dynamo([table], { now: clock.now, ...settings });
  const document = loans.lend((command, input) => Promise.resolve(dynamo.perform(command, input)));
  const store = { document, tables: { governor: 'governor' }, clock, random: () => 0.5 };
  /** Number of write units that were used, by partition key and second. */
  const units = new Map<string, number>();
  table.onWrite = (before, after) => {
    const { pk = '' } = after ?? before ?? {};
    const second = `${String(pk)} ${Math.floor((nowMs - NOON) / 1_000)}`;
    const size = Math.max(...[before, after].map((item) => (item ? sizeOf(item) - 3 : 0)));
    units.set(second, (units.get(second) ?? 0) + Math.ceil(size / 1_024));
  };
  const site = {
    connectionKey: 'sim/default/sim-aws',
    location: 'east-1',
    limits: limits({
      concurrentInstancesPerLocation: SLOTS,
      calls: { create: { perSecond: PER_SECOND, burst: PER_SECOND } },
    }),
  };
  const held: { id: string; untilMs: number }[] = [];
  let asked = 0;
  let granted = 0;
  let nextPollMs = NOON;
  for (let batch = 0; batch < (SECONDS * PER_SECOND) / BATCH; batch += 1) {
    nowMs = NOON + (batch * BATCH * 1_000) / PER_SECOND;
    if (nowMs >= nextPollMs) {
      nextPollMs += POLL_MS;
      const ended = held.filter(({ untilMs }) => untilMs <= nowMs).map(({ id }) => ({ instanceId: id }));
      held.splice(0, ended.length);
      await releaseSlots(store, site, ended);
    }
    const wanted = Array.from({ length: BATCH }, (_, at) =>
      want(instanceId({ fleetId: 'f1kdvdnb97d98z6rm', index: asked + at })),
    );
    asked += BATCH;
    const { given } = await permitCreates(store, site, wanted);
    granted += given.length;
    for (const id of given) held.push({ id, untilMs: nowMs + BOOT_MS });
  }
  expect(granted).toBeGreaterThan(0.8 * SECONDS * PER_SECOND);
  const most = Math.max(...units.values());
  expect(most).toBeLessThan(MOST_UNITS_PER_SECOND);
});
