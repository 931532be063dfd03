import type { WorkerContext } from '../../functions/platform/worker/context.ts';
import { makeContext } from '../../functions/platform/worker/make-context.ts';
import type { DriverMessage } from '../../functions/platform/workflow/messages.ts';
import { ClientLoans } from '../chaos/models/dynamo/client.ts';
import { Dynamo } from '../chaos/models/dynamo/dynamo.ts';
import { Table } from '../chaos/models/dynamo/table.ts';
import { simDriver } from './drivers.ts';

const TABLES = {
  fleets: 'fleets',
  governor: 'governor',
  access: 'access',
  audit: 'audit',
  catalogue: 'catalogue',
};

/** A worker's context over tables in memory (`test/chaos/models`). */
export interface WorkerWorld {
  context: WorkerContext;
  tables: Readonly<Record<keyof typeof TABLES, Table>>;
  sent: DriverMessage[];
  /** The outcomes with which the worker completed workflow tasks. The key is the task token. */
  outcomes: Map<string, unknown>;
  /** Called with each DynamoDB command as JSON. The command runs after the returned promise has resolved. */
  meet: (input: string) => Promise<void>;
  put(table: keyof typeof TABLES, item: Record<string, unknown> & { pk: string; sk: string }): void;
  end(): void;
}

/** @param at the time in ms since 1970. A number: the context's clock does not advance */
export function workerWorld(at: number | (() => number)): WorkerWorld {
  const now = typeof at === 'number' ? () => at : at;
  const loans = new ClientLoans();
  const tables = {
    fleets: new Table('fleets'),
    governor: new Table('governor'),
    access: new Table('access'),
    audit: new Table('audit'),
    catalogue: new Table('catalogue'),
  };
  const clock = { now, sleep: () => Promise.resolve() };
  const lags = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 100, unprocessed: () => 0 };
  const dynamo = new Dynamo(Object.values(tables), { now: clock.now, ...lags });
  const sent: DriverMessage[] = [];
  const outcomes = new Map<string, unknown>();
  const world: Omit<WorkerWorld, 'context'> = {
    tables,
    sent,
    outcomes,
    meet: () => Promise.resolve(),
    put: (table, item) =>
      tables[table].put(item.pk, item.sk, item, { nowMs: now(), baseAtMs: now(), indexAtMs: now }),
    end: () => loans.takeBack(),
  };
  const document = loans.lend(async (command, input) => {
    await world.meet(JSON.stringify(input));
    return dynamo.perform(command, input);
  });
  const context = makeContext({
    store: { document, tables: TABLES, clock, random: () => 0.5 },
    driver: simDriver,
    writerId: 'test-writer',
    outside: { read: () => Promise.resolve(undefined) },
    readDeploymentId: () => Promise.resolve('test'),
    timeLimitMs: 20_000,
    sharedNetworks: { graceMs: 0, pool: '10.0.0.0/8' },
    readCredential: () => Promise.resolve({ account: 'sim-aws' }),
    send: (message) => Promise.resolve(void sent.push(message)),
    hide: () => Promise.resolve(),
    tasks: {
      succeed: (token, output) => Promise.resolve(void outcomes.set(token, output)),
      fail: () => Promise.resolve(),
      heartbeat: () => Promise.resolve(true),
    },
    publish: () => Promise.resolve(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  return Object.assign(world, { context });
}
