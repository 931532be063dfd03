import { beforeEach, describe, expect, it } from 'vitest';
import { checkWords } from '../../functions/features/fleets/check-words.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import { resetUsage, usage } from '../../functions/platform/runtime/usage.ts';
import { ClientLoans } from './models/dynamo/client.ts';
import { Dynamo } from './models/dynamo/dynamo.ts';
import { Table } from './models/dynamo/table.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';

const PATIENT = { timeout: 60_000 };
const isUp = ({ status }: Fleet) => status === 'Running';
const AT = ['sim-aws'];
/** Matches a line of the trace. A line has a time in seconds, a process and a call. */
const LINE = /^\s*([\d.]+) {2}(\S+)\s+(.*?)(?: \(\S+\))?$/;

interface Call {
  atSeconds: number;
  process: string;
  what: string;
}

/**
 * Runs fleets of these sizes at one site, without faults, until all fleets are Running. Afterwards, the
 * global object `usage` has the usage of that time, including the numbers of saved calls.
 *
 * @returns the calls that workers made to tables and clouds
 */
async function callsOf(sizes: readonly number[], instancesPerCall = 1): Promise<Call[]> {
  let lines: readonly string[] = [];
  const saved: (typeof usage)[] = [];
  const { violations } = await runScenario(calmScenario({}, { instancesPerCall }), true, async (stage) => {
    resetUsage();
    const begin = stage.lab.ground.trace.lines.length;
    const fleets = await Promise.all(
      sizes.map((size, at) =>
        stage.create(fleetAt(AT, size, { name: `fleet-${at}`, locations: ['east-1'] })),
      ),
    );
    for (const { id } of fleets) await stage.until(id, isUp);
    lines = stage.lab.ground.trace.lines.slice(begin);
    saved.push(structuredClone(usage));
  });
  expect(violations).toEqual([]);
  // The run ends with a deletion, which changes `usage` too. Restore the values from before the deletion.
  Object.assign(usage, saved[0]);
  return lines.flatMap((line) => {
    const [, atSeconds, process, what] = LINE.exec(line) ?? [];
    return process?.startsWith('worker') && what !== undefined
      ? [{ atSeconds: Number(atSeconds), process, what }]
      : [];
  });
}

const count = (calls: readonly Call[], pattern: RegExp) =>
  calls.filter(({ what }) => pattern.test(what)).length;
const isList = /^GET aws\/locations\/east-1\/instances\?tag/;
const isCreate = /^POST aws\/locations\/east-1\/instances$/;

/** Returns how often each process made each matching call. */
function timesEach(calls: readonly Call[], pattern: RegExp): number[] {
  const matching = calls.filter(({ what }) => pattern.test(what));
  return [...Map.groupBy(matching, ({ process, what }) => `${process} ${what}`).values()].map(
    ({ length }) => length,
  );
}

beforeEach(resetUsage);

describe('launches of one fleet', PATIENT, () => {
  it("each process reads a fleet's layout and network resources once", async () => {
    const calls = await callsOf([30]);
    // The first reads may return resources that are not Ready yet, which a process must not cache. An eventually
    // consistent read may miss the new spec, and the process then reads the spec again.
    const begun = calls.find(({ what }) => /^Get SPEC#/.test(what))?.atSeconds ?? 0;
    const launching = calls.filter(({ atSeconds }) => atSeconds > begun + 1);
    const layouts = timesEach(launching, /^Get SPEC#/);
    expect(layouts.length).toBeGreaterThan(0);
    expect(Math.max(...layouts)).toBe(1);
    expect(usage.saved.layouts).toBeGreaterThan(15);
    expect(Math.max(...timesEach(launching, /^Query NET#/))).toBe(1);
    expect(usage.saved.networks).toBeGreaterThan(5);
  });

  it('each process opens a connection at most once a minute', async () => {
    const calls = await callsOf([60]);
    const opened = calls.filter(({ what }) => what === 'GetParameter');
    const minutes = ((calls.at(-1)?.atSeconds ?? 0) - (calls[0]?.atSeconds ?? 0)) / 60;
    expect(minutes).toBeGreaterThan(1);
    expect(opened.length).toBeGreaterThan(0);
    for (const times of Map.groupBy(opened, ({ process }) => process).values()) {
      const gaps = times.slice(1).map(({ atSeconds }, at) => atSeconds - (times[at]?.atSeconds ?? 0));
      expect(Math.min(60, ...gaps)).toBeGreaterThanOrEqual(60);
    }
    expect(usage.saved.connections).toBeGreaterThan(opened.length);
  });

  it('launches share create calls if the cloud can make several machines in one call', async () => {
    const single = await callsOf([12]);
    expect(usage.saved.creates).toBe(0);
    expect(count(single, isCreate)).toBe(12);
    await callsOf([12], 6);
    expect(usage.saved.creates).toBeGreaterThan(3);
  });
});

describe('launches of four fleets at one site', PATIENT, () => {
  it('four fleets at one site cause fewer than 1.5 times the list calls of one fleet of the same total size', async () => {
    const one = count(await callsOf([24]), isList);
    expect(usage.saved.lists).toBe(0);
    const four = count(await callsOf([6, 6, 6, 6]), isList);
    expect(one).toBeGreaterThan(3);
    expect(four).toBeLessThan(1.5 * one);
    expect(usage.saved.lists).toBeGreaterThan(four / 2);
  });
});

describe('checkWords', () => {
  it('`checkWords` reads the connection with one command, and all other names of a fleet request with a second command', async () => {
    const requests: string[] = [];
    const tables = ['access', 'catalogue', 'fleets'].map((name) => new Table(name));
    const dynamo = new Dynamo(tables, {
      now: () => 0,
      baseLagMs: () => 0,
      indexLagMs: () => 0,
      pageSize: () => 400,
      unprocessed: () => 0,
    });
    const loans = new ClientLoans();
    const store = {
      document: loans.lend(async (command, input) => {
        requests.push(command);
        return dynamo.perform(command, input);
      }),
      tables: { access: 'access', catalogue: 'catalogue' },
      clock: { now: () => 0, sleep: () => Promise.resolve() },
      random: () => 0.5,
    };
    const connection = {
      namespace: 'default',
      name: 'sim-aws',
      id: 'c0000000000000000',
      driver: 'sim',
      cloud: 'aws',
      status: 'Ready',
      createdAt: new Date(0).toISOString(),
    };
    tables[0]?.put(
      'CONNECTIONS#sim',
      'default/sim-aws',
      { pk: 'CONNECTIONS#sim', sk: 'default/sim-aws', ...connection },
      { nowMs: 0, baseAtMs: 0, indexAtMs: () => 0 },
    );
    const groups = Array.from({ length: 20 }, (_, at) => ({
      pointer: `/nodeGroups/${at}`,
      connection: 'sim-aws',
      locations: Array.from({ length: 10 }, (__, n) => ({ pointer: `/${at}/${n}`, name: `place-${n}` })),
      instanceType: `type-${at % 2}`,
      image: 'linux',
    }));
    const { errors } = await checkWords(store, 'default', groups);
    loans.takeBack();
    expect(errors.length).toBeGreaterThan(0);
    // The fleet request has 43 names: 10 locations, 2 types, 20 offers and 11 images.
    expect(requests).toEqual(['BatchGetCommand', 'BatchGetCommand']);
  });
});
