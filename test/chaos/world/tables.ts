import {
  InternalServerError,
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import type { Store, Tables } from '../../../functions/platform/store/store.ts';
import type { Ground } from '../ground/ground.ts';
import type { Process } from '../ground/process.ts';
import type { Capacity } from '../models/dynamo/capacity.ts';
import { ClientLoans } from '../models/dynamo/client.ts';
import type { Answer } from '../models/dynamo/dynamo.ts';
import { Dynamo } from '../models/dynamo/dynamo.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { FLEETS_INDEXES, Table } from '../models/dynamo/table.ts';
import { functionOf, refusedUses, type Use, usesOf } from './rights.ts';

export const TABLES: Tables = {
  fleets: 'fleets',
  governor: 'governor',
  catalogue: 'catalogue',
  access: 'access',
  history: 'history',
  audit: 'audit',
};

const WRITES = /^(Put|Update|Delete)Command/;
/** Maximum number of items in a page of 1 MB: of whole items, and of items as an index projects them. */
const PAGE = 1_000;
const INDEX_PAGE = 3_000;
const META = { $metadata: {} };
/**
 * Maximum time in ms after which a request to a table that is down fails. The SDK's five attempts are
 * included.
 */
const UNANSWERED_MS = 1_500;

/** Serves the tables to real document clients, one for each process, with injected faults. */
export class TableWorld {
  readonly fleets = new Table(TABLES.fleets, FLEETS_INDEXES);
  readonly governor = new Table(TABLES.governor);
  readonly access = new Table(TABLES.access);
  readonly catalogue = new Table(TABLES.catalogue);
  readonly history = new Table(TABLES.history);
  readonly audit = new Table(TABLES.audit);
  /** Tables that answer every request with an InternalServerError. */
  readonly down = new Set<keyof Tables>();
  /** Returns the capacity counter of a partition key. Only runs that measure capacity set it. */
  capacityOf: ((table: string, pk: string) => Capacity) | undefined;
  /** Texts about requests that the functions' IAM policies would refuse. `checkEnd` reports them. */
  readonly refused: string[] = [];
  /** Called with each function's name and what it uses. Only tests of rights set it. */
  onUse: ((functionName: string, use: Use) => void) | undefined;
  readonly #ground: Ground;
  readonly #dynamo: Dynamo;
  readonly #loans = new ClientLoans();

  constructor(ground: Ground) {
    this.#ground = ground;
    const { random } = ground;
    const troubled = () => ground.disturbance.conflict > 0;
    const tables = [this.fleets, this.governor, this.access, this.catalogue, this.history, this.audit];
    this.#dynamo = new Dynamo(tables, {
      now: () => ground.now(),
      baseLagMs: () => random.int(0, 900),
      indexLagMs: () => (random.chance(0.1) ? random.int(0, 4_000) : random.int(0, 300)),
      pageSize: (isIndex) => {
        if (random.chance(ground.disturbance.shortPage)) return random.int(1, 20);
        return isIndex ? INDEX_PAGE : PAGE;
      },
      capacity: (table, pk) => this.capacityOf?.(table, pk),
      unprocessed: (count) => (troubled() && random.chance(0.05) ? random.int(1, count) : 0),
    });
  }

  storeOf(process: Process): Store {
    const document = this.#loans.lend((command, input) =>
      process.call(this.#ground.trace.isOn ? describe(command, input) : command, () => {
        this.#checkRights(process.name, command, input);
        return this.#perform(command, input);
      }),
    );
    return { document, tables: TABLES, clock: process.clock, random: () => this.#ground.random.next() };
  }

  /** Performs a command at once, without the time and the faults of a request. @throws the SDK's exceptions */
  performAtOnce(command: string, input: unknown): Answer {
    return this.#dynamo.perform(command, input);
  }

  /** Copies the table `fleets`. @returns a function that restores the table to that copy */
  backup(): () => void {
    const items = this.fleets.all().map((item) => structuredClone(item));
    return () => {
      const nowMs = this.#ground.now();
      const lags = { nowMs, baseAtMs: nowMs, indexAtMs: () => nowMs };
      const keyOf = ({ pk, sk }: Item) => `${pk}\n${sk}`;
      const kept = new Set(items.map(keyOf));
      const { onWrite } = this.fleets;
      this.fleets.onWrite = () => {};
      for (const item of this.fleets.all()) {
        if (!kept.has(keyOf(item))) this.fleets.put(String(item['pk']), String(item['sk']), undefined, lags);
      }
      for (const item of items) this.fleets.put(String(item['pk']), String(item['sk']), item, lags);
      this.fleets.onWrite = onWrite;
    };
  }

  takeBack(): void {
    this.#loans.takeBack();
  }

  /** @throws Error with the name of DynamoDB's error for a request that IAM refuses */
  #checkRights(processName: string, command: string, input: unknown): void {
    if (this.onUse) for (const use of usesOf(command, input)) this.onUse(functionOf(processName), use);
    const refused = refusedUses(processName, command, input).map(
      ({ table, action, pk }) => `${processName} has no right to ${action} of ${pk} in table ${table}`,
    );
    if (refused.length === 0) return;
    this.refused.push(...refused);
    throw Object.assign(new Error(refused.join('; ')), { name: 'AccessDeniedException', ...META });
  }

  #isDown(input: unknown): boolean {
    if (this.down.size === 0) return false;
    const request = JSON.stringify(input);
    return [...this.down].some(
      (table) =>
        request.includes(`"TableName":"${TABLES[table]}"`) || request.includes(`"${TABLES[table]}":`),
    );
  }

  async #perform(command: string, input: unknown): Promise<Answer> {
    const { random, disturbance, counts } = this.#ground;
    if (this.#isDown(input)) {
      counts.unanswered += 1;
      await this.#ground.sleep(random.int(100, UNANSWERED_MS));
      throw new InternalServerError({ message: 'the table is down (simulated)', ...META });
    }
    if (random.chance(disturbance.throttle)) {
      counts.throttles += 1;
      throw new ProvisionedThroughputExceededException({ message: 'too much (simulated)', ...META });
    }
    const isTransaction = command === 'TransactWriteCommand';
    const writes = isTransaction || WRITES.test(command);
    if (writes && random.chance(isTransaction ? disturbance.conflict * 5 : disturbance.conflict)) {
      counts.conflicts += 1;
      throw isTransaction
        ? new TransactionCanceledException({
            message: 'conflict (simulated)',
            ...META,
            CancellationReasons: [{ Code: 'TransactionConflict' }],
          })
        : new TransactionConflictException({ message: 'conflict (simulated)', ...META });
    }
    // Excludes transactions: the SDK sends an idempotency token with each transaction, so a repeated
    // transaction gets the first answer.
    if (WRITES.test(command) && random.chance(disturbance.repeatedWrite)) {
      counts.lostReplies += 1;
      this.#dynamo.perform(command, input);
      await this.#ground.sleep(this.#ground.latencyMs());
      return this.#dynamo.perform(command, input);
    }
    const answer = this.#dynamo.perform(command, input);
    if (writes && random.chance(disturbance.lostWrite)) {
      counts.lostReplies += 1;
      throw Object.assign(new Error('no answer (simulated)'), { name: 'TimeoutError' });
    }
    return answer;
  }
}

function describe(command: string, input: unknown): string {
  return `${command.replace(/Command$/, '')} ${keysOf(input)}`;
}

/** Returns the first key that a request names, for the trace. */
function keysOf(input: unknown): string {
  const found = /"pk":"([^"]+)","sk":"([^"]+)"|":(?:pk|place|ns)":"([^"]+)"/.exec(JSON.stringify(input));
  return found ? `${found[1] ?? found[3]}${found[2] === undefined ? '' : `/${found[2]}`}` : '';
}
