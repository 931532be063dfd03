import { type Books, readBooks } from '../../../../local/sim/engine/books.ts';
import { loadSimConfig, parseSimConfig, type SimConfig } from '../../../../local/sim/engine/config.ts';
import { type EngineOptions, SimEngine } from '../../../../local/sim/engine/engine.ts';
import { type Fault, faultSchema } from '../../../../local/sim/engine/faults.ts';
import type { Reply } from '../../../../local/sim/engine/reply.ts';
import type { CreateInput, Operation } from '../../../../local/sim/engine/requests.ts';

export const START_MS = Date.parse('2026-01-01T00:00:00Z');
export const LOCATION = 'us-east-1';

type Answer = Extract<Reply, { kind: 'answer' }>;
type Body = Record<string, unknown> & { items?: Record<string, unknown>[] };

/**
 * Runs the simulated clouds in virtual time, and makes the network resources that a create at a location
 * needs.
 */
export class VirtualClouds {
  nowMs = START_MS;
  readonly engine: SimEngine;
  readonly cloud: string;
  account = 'acc';
  apiKey: string | undefined;
  #needs = new Map<string, Pick<CreateInput, 'networkId' | 'securityGroupIds' | 'keyPairId' | 'imageId'>>();
  #instances = 0;

  constructor(overrides: unknown = {}, options: Partial<EngineOptions> & { cloud?: string } = {}) {
    this.cloud = options.cloud ?? 'aws';
    this.engine = new SimEngine({
      config: simConfig(overrides),
      clock: { now: () => this.nowMs },
      seed: 1,
      ...options,
    });
  }

  wait(seconds: number): void {
    this.nowMs += seconds * 1_000;
  }

  reply(operation: Operation): Reply {
    const { cloud, account, apiKey } = this;
    return this.engine.handle({ cloud, account, apiKey }, operation);
  }

  call(operation: Operation): Omit<Answer, 'body'> & { body: Body } {
    const reply = this.reply(operation);
    if (reply.kind !== 'answer') throw new Error(`the reply was ${reply.kind}`);
    return { ...reply, body: { ...reply.body } };
  }

  /**
   * Returns an operation that creates a new instance. `over` replaces fields of the operation's input, for
   * example the launch token.
   */
  createOperation(location = LOCATION, over: Partial<CreateInput> = {}): Operation {
    this.#instances += 1;
    const name = `i-${this.#instances}`;
    const instanceType = { aws: 'm6i.large', ncp: 's2-g2-h50' }[this.cloud] ?? '';
    const needs = this.#needs.get(`${this.account} ${location}`) ?? this.#prepare(location);
    const input = {
      name,
      launchToken: `${name}.1`,
      instanceType,
      tags: { owner: this.account },
      ...needs,
      ...over,
    };
    return { call: 'create', location, input };
  }

  create(location = LOCATION, over: Partial<CreateInput> = {}) {
    return this.call(this.createOperation(location, over));
  }

  list(location = LOCATION, tags: Record<string, string> = {}): Record<string, unknown>[] {
    return this.call({ call: 'list', location, tags, page: {} }).body.items ?? [];
  }

  statusOf(backendId: unknown, location = LOCATION): unknown {
    const { status, body } = this.call({ call: 'get', location, backendId: String(backendId) });
    return status === 404 ? 'gone' : body['status'];
  }

  terminate(backendId: unknown, location = LOCATION) {
    return this.call({ call: 'terminate', location, backendId: String(backendId) });
  }

  fault(fault: Partial<Fault> & Pick<Fault, 'kind'>): void {
    this.engine.addFault(faultSchema.parse(fault));
  }

  /** Returns the clouds' record (books) of the account's machines, resources and calls at a location. */
  books(location = LOCATION): Books['clouds'][number] {
    const { cloud, account } = this;
    const [site] = readBooks(this.engine.world, { cloud, connection: account, location }).clouds;
    if (!site) throw new Error(`no books for ${location}`);
    return site;
  }

  #prepare(location: string) {
    const ensure = (kind: 'network' | 'security-group' | 'key-pair', networkId?: string) =>
      String(
        this.call({ call: 'ensure', location, kind, input: { name: kind, tags: {}, networkId } }).body['id'],
      );
    const networkId = ensure('network');
    const images = this.call({ call: 'images', location, page: {} }).body.items ?? [];
    const needs = {
      networkId,
      securityGroupIds: [ensure('security-group', networkId)],
      keyPairId: ensure('key-pair'),
      imageId: String(images[0]?.['id']),
    };
    this.#needs.set(`${this.account} ${location}`, needs);
    return needs;
  }
}

export function simConfig(overrides: unknown = {}): SimConfig {
  return parseSimConfig(overrides, loadSimConfig());
}
