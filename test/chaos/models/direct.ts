import * as z from 'zod';
import type { CallGate, CloudCall } from '../../../functions/drivers/contract/call-gate.ts';
import { type CloudInstance, DEPLOYMENT_TAG } from '../../../functions/drivers/contract/driver.ts';
import { namePrefix, parseMachineName } from '../../../functions/drivers/contract/names.ts';
import { type CallEffect, errorOfFailure } from '../../../functions/drivers/contract/no-answer.ts';
import { cloudInstance, instanceAnswerSchema, isOf } from '../../../functions/drivers/sim/answers.ts';
import { SimClient } from '../../../functions/drivers/sim/client.ts';
import { errorOfAnswer } from '../../../functions/drivers/sim/errors.ts';
import { type Call, governedAs, type Transport } from '../../../functions/drivers/sim/transport.ts';
import type { SimEngine } from '../../../local/sim/engine/engine.ts';
import type { Reply } from '../../../local/sim/engine/reply.ts';
import {
  type Caller,
  createInputSchema,
  createManyInputSchema,
  ensureInputSchemas,
  noteInputSchema,
  type Operation,
  POWER_KINDS,
  type ResourceKind,
  terminateManyInputSchema,
} from '../../../local/sim/engine/requests.ts';
import type { Process } from '../ground/process.ts';

const RESOURCES: Readonly<Record<string, ResourceKind>> = {
  networks: 'network',
  'security-groups': 'security-group',
  'key-pairs': 'key-pair',
};
const refusalSchema = z.object({ code: z.string(), message: z.string() });
const viewsSchema = z.object({
  items: z.array(z.custom<object>((value) => typeof value === 'object' && value !== null)),
  nextCursor: z.string().nullable(),
});

/**
 * Calls the simulated clouds without HTTP. HTTP would take several times as long as the clouds themselves.
 */
export class DirectTransport implements Transport {
  readonly #engine: SimEngine;
  readonly #process: Process;
  readonly #caller: Caller;
  readonly #calls: CallGate;

  constructor(engine: SimEngine, process: Process, caller: Caller, calls: CallGate) {
    this.#engine = engine;
    this.#process = process;
    this.#caller = caller;
    this.#calls = calls;
  }

  async call<Answer>(call: Call<Answer>): Promise<Answer> {
    const effect = call.method === 'GET' ? 'reads' : 'changes';
    return call.answer.parse(await this.ask(governedAs(call), operationOf(call), effect));
  }

  /** @returns the body of the answer @throws DriverError the same error as over HTTP */
  async ask(call: CloudCall, operation: Operation, effect: CallEffect): Promise<object> {
    return await this.#calls.send(call, async (permit) => {
      permit.use();
      return await this.#answer(operation, effect);
    });
  }

  async #answer(operation: Operation, effect: CallEffect): Promise<object> {
    const { ground } = this.#process;
    const reply = await this.#process.call(operation.call, async (): Promise<Reply> => {
      const given = this.#engine.handle(this.#caller, operation);
      if (given.kind !== 'silent' && given.atMs > ground.now()) await ground.sleep(given.atMs - ground.now());
      return given;
    });
    if (reply.kind !== 'answer') throw errorOfFailure(new Error('the reply was lost'), effect);
    const { status, body, retryAfterMs } = reply;
    if (status < 400) return body;
    const { code, message } = refusalSchema.parse(body);
    const rate = retryAfterMs === undefined ? {} : { retryAfterMs };
    throw errorOfAnswer({ status, code, message, rate, call: operation.call }, effect);
  }
}

/**
 * Caches the driver's result for each view of an instance. The simulation returns the same view object until
 * the instance changes.
 */
const seen = new WeakMap<object, CloudInstance | undefined>();

/** The shipped client with cached lists, because polls repeat lists in which little changes. */
export class DirectClient extends SimClient {
  readonly #transport: DirectTransport;
  readonly #deploymentId: string;

  constructor(transport: DirectTransport, deploymentId: string) {
    super(transport, deploymentId);
    this.#transport = transport;
    this.#deploymentId = deploymentId;
  }

  override async listInstances(location: string): Promise<CloudInstance[]> {
    return await this.#list(location);
  }

  override async listInstancesById(location: string, ids: readonly string[]): Promise<CloudInstance[]> {
    return await this.#list(location, ids);
  }

  async #list(location: string, ids?: readonly string[]): Promise<CloudInstance[]> {
    const filter = {
      tags: { [DEPLOYMENT_TAG]: this.#deploymentId },
      namePrefix: namePrefix(this.#deploymentId),
    };
    const found: CloudInstance[] = [];
    let cursor: string | undefined;
    do {
      const page = { cursor };
      const body = await this.#transport.ask(
        { action: 'sim:GET instances', kind: 'list', location },
        { call: 'list', location, ...filter, ids, page },
        'reads',
      );
      const { items, nextCursor } = viewsSchema.parse(body);
      for (const view of items) {
        const machine = this.#machineOf(view);
        if (machine) found.push(machine);
      }
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  }

  #machineOf(view: object): CloudInstance | undefined {
    if (seen.has(view)) return seen.get(view);
    const answer = instanceAnswerSchema.parse(view);
    const isOurs = isOf(this.#deploymentId, answer, parseMachineName);
    const machine = isOurs ? cloudInstance(answer, this.#deploymentId) : undefined;
    seen.set(view, machine);
    return machine;
  }
}

/** Returns the operation that the HTTP routes of the simulated clouds derive from a request. */
function operationOf({ method, path, query = {}, body }: Call<unknown>): Operation {
  const [first, location, what, id, verb] = path;
  const page = { cursor: query['cursor'] };
  if (first === 'account' && location === 'notes') return noteOperation(method, what, query['prefix'], body);
  if (first === 'account') return { call: 'verify' };
  if (location === undefined) return { call: 'locations' };
  if (what === 'offers' || what === 'images') return { call: what, location, page };
  if (what === 'volumes') {
    if (method === 'DELETE') return { call: 'deleteVolume', location, backendId: id ?? '' };
    return { call: 'listVolumes', location, page, ...filterOf(query) };
  }
  const kind = RESOURCES[what ?? ''];
  if (kind) {
    if (method === 'DELETE') return { call: 'deleteResource', location, kind, backendId: id ?? '' };
    if (method === 'POST')
      return { call: 'ensure', location, kind, input: ensureInputSchemas[kind].parse(body) };
    if (query['name'] !== undefined) return { call: 'findResource', location, kind, name: query['name'] };
    const ids = query['ids']?.split(',');
    return { call: 'listResources', location, kind, page, ids, ...filterOf(query) };
  }
  if (id === 'terminate') {
    return { call: 'terminate', location, backendIds: terminateManyInputSchema.parse(body).ids };
  }
  if (id === 'batch') {
    return { call: 'create', location, inputs: createManyInputSchema.parse(body).instances };
  }
  if (id === undefined) {
    if (method === 'POST') return { call: 'create', location, input: createInputSchema.parse(body) };
    const { launchToken, name } = query;
    if (launchToken !== undefined) return { call: 'find', location, launchToken, name };
    return { call: 'list', location, page, ids: query['ids']?.split(','), ...filterOf(query) };
  }
  const power = POWER_KINDS.find((one) => one === verb);
  if (power) return { call: power, location, backendId: id };
  return { call: method === 'DELETE' ? 'terminate' : 'get', location, backendId: id };
}

function noteOperation(method: string, name = '', prefix = '', body?: object): Operation {
  if (method === 'GET') return { call: 'listNotes', prefix };
  if (method === 'DELETE') return { call: 'deleteNote', name };
  return { call: 'putNote', name, ...noteInputSchema.parse(body) };
}

function filterOf({ tag = '', namePrefix: prefix }: Readonly<Record<string, string | undefined>>) {
  const at = tag.indexOf('=');
  return { tags: at < 1 ? {} : { [tag.slice(0, at)]: tag.slice(at + 1) }, namePrefix: prefix };
}
