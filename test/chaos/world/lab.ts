import * as z from 'zod';
import type { Driver } from '../../../functions/drivers/contract/driver.ts';
import { accessOperations } from '../../../functions/entrypoints/api/operations/access.ts';
import {
  type ConnectionDeps,
  connectionOperations,
} from '../../../functions/entrypoints/api/operations/connections.ts';
import { type FleetDeps, fleetOperations } from '../../../functions/entrypoints/api/operations/fleets.ts';
import { resourceOperations } from '../../../functions/entrypoints/api/operations/resources.ts';
import { handleBatch } from '../../../functions/entrypoints/dispatch/handle-batch.ts';
import { closeActs } from '../../../functions/features/audit/close-acts.ts';
import { finishChanges } from '../../../functions/features/connections/finish-changes.ts';
import { assignSites } from '../../../functions/features/fleets/assignment.ts';
import { beginTermination } from '../../../functions/features/fleets/begin-termination.ts';
import { endProvisioning } from '../../../functions/features/fleets/end-provisioning.ts';
import { finishTermination } from '../../../functions/features/fleets/finish-termination.ts';
import { reconcileFleets } from '../../../functions/features/fleets/reconcile.ts';
import { scheduleInventory } from '../../../functions/features/inventory/schedule-inventory.ts';
import { watchSites } from '../../../functions/features/poller/watch.ts';
import { scheduleSweeps } from '../../../functions/features/sweeps/schedule-sweeps.ts';
import { type DriverName, driverNameSchema } from '../../../functions/model/connection.ts';
import { countOn, isCountDue } from '../../../functions/platform/deployment/beat.ts';
import { parameterBeat } from '../../../functions/platform/deployment/parameter-beat.ts';
import { type Logger, makeLogger } from '../../../functions/platform/runtime/logger.ts';
import { forgetSshKey, keepSshKey } from '../../../functions/platform/secrets/ssh-keys.ts';
import { readCredential } from '../../../functions/platform/secrets/stored-credentials.ts';
import { allConnections } from '../../../functions/platform/store/connections.ts';
import { ensureDeploymentId } from '../../../functions/platform/store/deployment.ts';
import type { Store } from '../../../functions/platform/store/store.ts';
import type { Log, WorkerContext } from '../../../functions/platform/worker/context.ts';
import type { DomainEvent } from '../../../functions/platform/worker/events.ts';
import { makeContext } from '../../../functions/platform/worker/make-context.ts';
import type { Held } from '../../../functions/platform/worker/message-queue.ts';
import {
  type DriverMessage,
  fleetInputSchema,
  provisionInputSchema,
  removalInputSchema,
  settleInputSchema,
} from '../../../functions/platform/workflow/messages.ts';
import {
  BEGINNING_SECONDS,
  FINISH_CHANGES_MINUTES,
  RECEIVES_BEFORE_DEAD_LETTER,
} from '../../../infra/settings/times.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import type { SimEvent } from '../../../local/sim/engine/records.ts';
import { LOCAL_ADDRESSES } from '../../samples/drivers.ts';
import { isJson, type Json } from '../../state-machines/interpreter/definition.ts';
import { StatesError } from '../../state-machines/interpreter/errors.ts';
import type { Ground } from '../ground/ground.ts';
import type { Process } from '../ground/process.ts';
import { Clouds, DEPLOYMENT } from '../models/clouds.ts';
import { ParameterStore } from '../models/parameters.ts';
import { Queue } from '../models/queue.ts';
import { type ServiceLimits, ServiceMeters } from '../models/service-limits.ts';
import { Workflow } from '../models/workflow.ts';
import { auditedOperations } from './audited-operations.ts';
import { LambdaFunction } from './functions.ts';
import { LastWriters, parameterKey } from './last-writers.ts';
import { TableWorld } from './tables.ts';

export const NAMESPACE = 'default';
const QUEUE_URLS = 'https://sqs.invalid/';
export const SECRETS_PREFIX = '/chaos/connections';
const MINUTE_MS = 60_000;
const FINISH_MS = FINISH_CHANGES_MINUTES * MINUTE_MS;
/** Default pool of address ranges. It has few ranges, so that networks compete for them. */
const SMALL_POOL = '10.0.0.0/11';
const INVENTORY_MS = 15 * MINUTE_MS;
/** Time in ms by which the visibility time-out of messages exceeds the worker's time limit. */
const BEGINNING_MS = BEGINNING_SECONDS * 1_000;
const MAX_DELAY_MS = 900_000;

export interface LabOptions {
  clouds: Readonly<Record<string, CloudConfig>>;
  driverConcurrency: number;
  /**
   * Limits of the AWS services. Omit them for services that throttle nothing, and a Lambda that has the full
   * concurrency from the start.
   */
  services?: ServiceLimits | undefined;
  driverTimeoutMs: number;
  /** Maximum time in ms by which a worker's clock may be fast or slow. */
  skewMs: number;
  sweepIntervalMs: number;
  /** Time in ms for which shared networks are kept after their last fleet has left them. Omit it for 0. */
  networkGraceMs?: number | undefined;
  /** CIDR from which shared networks get their address ranges. Omit it for a small pool. */
  networkPool?: string;
  /**
   * Id that distinguishes two deployments with the same deployment id. Omit it if there is one deployment.
   */
  writerId?: string | undefined;
  /** Clouds that another deployment uses as well. Omit it if this lab has its own clouds. */
  sharedClouds?: Clouds | undefined;
  /** False if the clouds do not say to which account a credential belongs. */
  tellsAccounts?: boolean | undefined;
  /** True if the driver calls the simulated clouds without HTTP. */
  isDirect?: boolean;
  /**
   * Returns the name of the queue for the simulated clouds' messages about a connection. Each such queue has a function
   * of its own. Omit it if all simulated clouds share one queue.
   */
  queueOf?: ((connectionKey: string) => string) | undefined;
  /** Drivers in addition to the simulated clouds' driver. Each has its own queue and function. */
  drivers?: Readonly<Partial<Record<DriverName, (process: Process) => Driver>>>;
  onCloudEvent(event: SimEvent): void;
  /** Called with each log line of the functions. */
  onLog?(line: string): void;
  /** Called with each payload of a workflow's history, as JSON. */
  onPayload?(json: string): void;
}

const ofConnectionSchema = z.object({ connectionKey: z.string().optional() });

interface Plain {
  store: Store;
  process: Process;
}

/** Runs all functions, workflows and schedules of Fleetwright over models of AWS and of the clouds. */
export class Lab {
  readonly ground: Ground;
  readonly tables: TableWorld;
  readonly writers: LastWriters;
  readonly clouds: Clouds;
  readonly workflow: Workflow;
  /** The queue of the simulated clouds' driver. */
  readonly queue: Queue;
  readonly queues: ReadonlyMap<DriverName, Queue>;
  /** The queues that `queueOf` names, by name. */
  readonly #split = new Map<string, Queue>();
  readonly meters: ServiceMeters;
  readonly parameters: ParameterStore;
  /**
   * Parameter Store with the deployment's beat. The beat is a counter: if the tables' copy is behind, the tables
   * were restored; see `deployment/beat.ts`.
   */
  readonly beats: ParameterStore;
  readonly events: DomainEvent[] = [];
  /** The functions that read the drivers' queues, by the name of the queue. */
  readonly #drivers = new Map<string, LambdaFunction<WorkerContext>>();
  readonly #api: LambdaFunction<ReturnType<typeof fleetOperations>>;
  readonly #connections: LambdaFunction<ReturnType<typeof connectionOperations>>;
  readonly #access: LambdaFunction<ReturnType<typeof accessOperations>>;
  readonly #resources: LambdaFunction<ReturnType<typeof resourceOperations>>;
  readonly #others = new Map<string, LambdaFunction<Plain>>();
  /** Maximum deviation of a process's clock, in ms. */
  readonly skewMs: number;
  readonly #log: Logger | undefined;
  readonly #options: LabOptions;
  readonly #sweepIntervalMs: number;
  readonly #writerId: string;
  readonly #networkGraceMs: number;
  readonly #networkPool: string;

  constructor(ground: Ground, options: LabOptions) {
    this.ground = ground;
    this.#options = options;
    this.meters = new ServiceMeters(ground, options.services);
    this.parameters = new ParameterStore(this.meters);
    this.beats = new ParameterStore(this.meters);
    this.writers = new LastWriters(ground);
    this.parameters.onPut = (name) => this.writers.note(parameterKey(name));
    this.skewMs = options.skewMs;
    this.#sweepIntervalMs = options.sweepIntervalMs;
    this.#networkGraceMs = options.networkGraceMs ?? 0;
    this.#networkPool = options.networkPool ?? SMALL_POOL;
    this.#log = options.onLog && makeLogger(options.onLog);
    this.tables = new TableWorld(ground);
    this.#writerId = options.writerId ?? 'the-only-writer';
    this.clouds = options.sharedClouds ?? new Clouds(ground, options);
    this.workflow = new Workflow(ground, {
      invoke: (name, payload) => this.#invokeStep(name, payload),
      send: (queueUrl, body) => this.#queueAt(queueUrl, body).send(body, 0),
      meters: this.meters,
      onPayload: options.onPayload,
    });
    this.#api = new LambdaFunction(ground, {
      name: 'api',
      timeoutMs: 29_000,
      skewMs: options.skewMs,
      open: (process) => this.#audited(process, fleetOperations(this.#fleetDeps(process))),
    });
    this.#connections = new LambdaFunction(ground, {
      name: 'api-connections',
      timeoutMs: 29_000,
      skewMs: options.skewMs,
      open: (process) => this.#audited(process, connectionOperations(this.#connectionDeps(process))),
    });
    this.#access = new LambdaFunction(ground, {
      name: 'api-access',
      timeoutMs: 29_000,
      skewMs: options.skewMs,
      open: (process) => this.#audited(process, accessOperations(this.tables.storeOf(process))),
    });
    this.#resources = new LambdaFunction(ground, {
      name: 'api-resources',
      timeoutMs: 29_000,
      skewMs: options.skewMs,
      open: (process) =>
        this.#audited(
          process,
          resourceOperations({
            store: this.tables.storeOf(process),
            send: (driver, message) => this.#send(process, driver, message, 0),
          }),
        ),
    });
    this.queue = this.#deploy('sim', 'sim');
    this.queues = new Map<DriverName, Queue>([
      ['sim', this.queue],
      ...Object.keys(options.drivers ?? {}).map((key): [DriverName, Queue] => {
        const name = driverNameSchema.parse(key);
        return [name, this.#deploy(name, name)];
      }),
    ]);
  }

  /** Creates a queue, and a driver's function that reads the queue. @returns the queue */
  #deploy(name: DriverName, queueName: string): Queue {
    const { driverConcurrency, driverTimeoutMs: timeoutMs, skewMs, services, drivers } = this.#options;
    const driverOf = drivers?.[name] ?? ((process: Process) => this.clouds.driverOf(process));
    const worker = new LambdaFunction(this.ground, {
      name: name === 'sim' ? 'worker' : `worker-${name}`,
      timeoutMs,
      skewMs,
      open: (process) => this.#openWorker(process, name, driverOf(process), () => queue),
    });
    this.#drivers.set(queueName, worker);
    const queue = new Queue(this.ground, {
      concurrency: driverConcurrency,
      scaling: services?.batches,
      visibilityMs: timeoutMs + BEGINNING_MS,
      maxReceives: RECEIVES_BEFORE_DEAD_LETTER,
      handle: (batch) => worker.invoke((context) => handleBatch(context, batch)),
    });
    return queue;
  }

  get busy(): number {
    return [...this.#drivers.values()].reduce((sum, { busy }) => sum + busy, 0);
  }

  /**
   * Ends every process of the drivers' functions, busy processes included.
   *
   * @returns the number of busy processes
   */
  killWorkers(why: string): number {
    return [...this.#drivers.values()].reduce((sum, worker) => sum + worker.killAll(why), 0);
  }

  /** Number of messages that were sent to the drivers' queues so far. */
  get sent(): number {
    return [...this.queues.values(), ...this.#split.values()].reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Returns the number of invocations and the busy time of each function so far. */
  functionUse(): { kind: 'driver' | 'api' | 'other'; invocations: number; busyMs: number }[] {
    return [
      ...[...this.#drivers.values()].map(({ use }) => ({ kind: 'driver' as const, ...use })),
      { kind: 'api', ...this.#api.use },
      ...[...this.#others.values()].map(({ use }) => ({ kind: 'other' as const, ...use })),
    ];
  }

  /**
   * Sends a request to the API's fleet operations.
   *
   * @throws ProcessEnded if the process ended before it answered
   */
  request<Result>(
    work: (operations: ReturnType<typeof fleetOperations>) => Promise<Result>,
  ): Promise<Result> {
    return this.#api.invoke(work);
  }

  /** Sends a request to the API's connection operations, as `request` does. */
  requestConnections<Result>(
    work: (operations: ReturnType<typeof connectionOperations>) => Promise<Result>,
  ): Promise<Result> {
    return this.#connections.invoke(work);
  }

  /** Sends a request to the API's namespace operations, as `request` does. */
  requestAccess<Result>(
    work: (operations: ReturnType<typeof accessOperations>) => Promise<Result>,
  ): Promise<Result> {
    return this.#access.invoke(work);
  }

  /** Sends a request to the API's operations for network resources and orphans, as `request` does. */
  requestResources<Result>(
    work: (operations: ReturnType<typeof resourceOperations>) => Promise<Result>,
  ): Promise<Result> {
    return this.#resources.invoke(work);
  }

  /** Starts the schedules. They run until the end of virtual time. */
  startSchedules(): void {
    void this.#repeat(MINUTE_MS, () => this.#watch());
    void this.#repeat(MINUTE_MS, () => this.#reconcile());
    void this.#repeat(this.#sweepIntervalMs, () => this.#sweep());
    void this.#repeat(FINISH_MS, () => this.#finishChanges());
    void this.#repeat(INVENTORY_MS, () => this.#inventory());
  }

  async #repeat(intervalMs: number, work: () => Promise<void>): Promise<never> {
    for (;;) {
      await this.ground.sleep(intervalMs);
      await work().catch(() => {});
    }
  }

  async #sweep(): Promise<void> {
    await this.#plain('orphan-schedule').invoke(async ({ store, process }) => {
      await scheduleSweeps(await allConnections(store), (driver, message) =>
        this.#send(process, driver, message, 0),
      );
    });
  }

  async #finishChanges(): Promise<void> {
    await this.#plain('finish-changes').invoke(async ({ store, process }) => {
      await finishChanges({
        store,
        ssm: this.parameters.clientOf(process),
        secretsPrefix: SECRETS_PREFIX,
        log: this.#logOf(process),
      });
    });
  }

  async #inventory(): Promise<void> {
    await this.#plain('inventory-schedule').invoke(async ({ store, process }) => {
      const connections = await allConnections(store);
      await scheduleInventory(connections, store.clock.now(), async (driver, message) => {
        await this.#send(process, driver, message, 0);
        return true;
      });
    });
  }

  async #watch(): Promise<void> {
    await this.#plain('watch').invoke(({ store, process }) =>
      watchSites(store, [...this.queues.keys()], async (driver, messages) => {
        await Promise.all(messages.map((message) => this.#send(process, driver, message, 0)));
      }),
    );
  }

  async #reconcile(): Promise<void> {
    await this.#plain('reconcile').invoke(async ({ store, process }) => {
      if (isCountDue(process.clock.now()))
        await countOn(store, parameterBeat(this.beats.clientOf(process), SECRETS_PREFIX)).catch(() => false);
      await closeActs(store);
      await reconcileFleets({
        store,
        workflows: this.workflow.executionsOf(process),
        log: this.#logOf(process),
      });
    });
  }

  #logOf({ name }: Process): Log {
    if (this.#log) return this.#log;
    const { trace } = this.ground;
    const log = (message: string, detail?: Record<string, unknown>) => {
      if (trace.isOn) trace.add(name, `  log: ${message} ${JSON.stringify(detail, errorsToo)}`);
    };
    return { info: log, warn: log, error: log };
  }

  #openWorker(process: Process, name: DriverName, driver: Driver, queue: () => Queue): WorkerContext {
    const ssm = this.parameters.clientOf(process);
    const store = this.tables.storeOf(process);
    return makeContext({
      store,
      driver,
      writerId: this.#writerId,
      outside: parameterBeat(this.beats.clientOf(process), SECRETS_PREFIX),
      readDeploymentId: () => ensureDeploymentId(store, { deploymentId: DEPLOYMENT, isNamed: false }),
      timeLimitMs: this.#options.driverTimeoutMs,
      sharedNetworks: { graceMs: this.#networkGraceMs, pool: this.#networkPool },
      readCredential: (connection) => readCredential(ssm, SECRETS_PREFIX, connection),
      send: (message, delayMs) => this.#send(process, name, message, delayMs),
      hide: (messages) => this.#hide(process, queue(), messages),
      tasks: this.workflow.tasksOf(process),
      publish: (events) =>
        process.call('publish', () => {
          this.events.push(...events);
        }),
      log: this.#logOf(process),
    });
  }

  /** Returns operations that append to the audit log as those of the API do. */
  #audited<Operations extends object>(process: Process, operations: Operations): Operations {
    return auditedOperations(operations, {
      store: this.tables.storeOf(process),
      log: this.#logOf(process),
      origin: { requestId: process.name, source: { ip: '192.0.2.1' } },
    });
  }

  #fleetDeps(process: Process): FleetDeps {
    return {
      store: this.tables.storeOf(process),
      workflows: this.workflow.executionsOf(process),
      waitingRequests: 3,
    };
  }

  #connectionDeps(process: Process): ConnectionDeps {
    return {
      store: this.tables.storeOf(process),
      ssm: this.parameters.clientOf(process),
      secretsPrefix: SECRETS_PREFIX,
      drivers: [...this.queues.keys()],
      allowEndpointOverride: true,
      allowedAddresses: LOCAL_ADDRESSES,
      send: (driver, message) => this.#send(process, driver, message, 0),
    };
  }

  get #queueUrls(): Record<string, string> {
    return Object.fromEntries([...this.queues.keys()].map((name) => [name, `${QUEUE_URLS}${name}`]));
  }

  #queueAt(queueUrl: string, body: string): Queue {
    const { connectionKey } = ofConnectionSchema.parse(JSON.parse(body));
    return this.#queueOf(driverNameSchema.parse(queueUrl.slice(QUEUE_URLS.length)), connectionKey);
  }

  #queueOf(driver: DriverName, connectionKey: string | undefined): Queue {
    const queue = this.queues.get(driver);
    if (!queue) throw new Error(`driver ${driver} is not deployed`);
    const { queueOf } = this.#options;
    if (driver !== 'sim' || connectionKey === undefined || !queueOf) return queue;
    const name = queueOf(connectionKey);
    const known = this.#split.get(name);
    if (known) return known;
    const made = this.#deploy(driver, name);
    this.#split.set(name, made);
    return made;
  }

  /**
   * Sends a message as `openQueue` does. After an injected error, the queue may or may not have the message.
   */
  #send(process: Process, driver: DriverName, message: DriverMessage, delayMs: number): Promise<void> {
    const { trace, random, disturbance, counts } = this.ground;
    const delay = Math.min(MAX_DELAY_MS, Math.ceil(Math.max(0, delayMs) / 1_000) * 1_000);
    const what = trace.isOn ? `send ${describe(message)} in ${delay / 1_000} s` : 'send';
    const connectionKey = 'connectionKey' in message ? message.connectionKey : undefined;
    return process.call(what, () => {
      const fails = random.chance(disturbance.serviceError);
      if (!fails || random.chance(0.5)) {
        this.#queueOf(driver, connectionKey).send(JSON.stringify(message), delay);
      }
      if (!fails) return;
      counts.serviceErrors += 1;
      throw new Error('SQS did not answer (simulated)');
    });
  }

  #hide(process: Process, queue: Queue, messages: readonly Held[]): Promise<void> {
    const { random, disturbance, counts } = this.ground;
    return process.call(`hide ${messages.length}`, () => {
      const fails = random.chance(disturbance.serviceError);
      if (!fails || random.chance(0.5)) {
        for (const { receiptHandle, delayMs } of messages) queue.hide(receiptHandle, delayMs);
      }
      if (!fails) return;
      counts.serviceErrors += 1;
      throw new Error('SQS did not answer (simulated)');
    });
  }

  #plain(name: string): LambdaFunction<Plain> {
    const known = this.#others.get(name);
    if (known) return known;
    const made = new LambdaFunction<Plain>(this.ground, {
      name,
      timeoutMs: MINUTE_MS,
      skewMs: this.skewMs,
      open: (process) => ({ process, store: this.tables.storeOf(process) }),
    });
    this.#others.set(name, made);
    return made;
  }

  async #invokeStep(name: string, payload: Json): Promise<Json> {
    const answer = await this.#plain(name).invoke((plain) => this.#step(name, plain, payload));
    const json: unknown = answer === undefined ? null : JSON.parse(JSON.stringify(answer));
    if (!isJson(json)) throw new TypeError(`${name} answered with something that is not JSON`);
    return json;
  }

  async #step(name: string, { store, process }: Plain, payload: Json): Promise<unknown> {
    const { fleetId } = fleetInputSchema.parse(payload);
    const queueUrls = this.#queueUrls;
    switch (name) {
      case 'assign':
        return await assignSites(
          {
            store,
            queueUrls,
            // Returns a fixed key, because making a real key takes seconds of computing.
            makeKey: (comment) =>
              Promise.resolve({ publicKey: `ssh-rsa AAAA ${comment}`, privateKey: `private ${fleetId}` }),
            forgetPrivateKey: (id) => forgetSshKey(this.parameters.clientOf(process), SECRETS_PREFIX, id),
            keepPrivateKey: (id, privateKey) =>
              keepSshKey(this.parameters.clientOf(process), SECRETS_PREFIX, id, privateKey),
          },
          provisionInputSchema.parse(payload),
        );
      case 'settle':
        return await endProvisioning(
          { store, removals: this.workflow.executionsOf(process), log: this.#logOf(process) },
          settleInputSchema.parse(payload),
        );
      case 'begin-termination':
        return await beginTermination({ store, queueUrls }, removalInputSchema.parse(payload));
      case 'finish-termination':
        return await finishTermination(
          {
            store,
            forgetPrivateKey: (id) => forgetSshKey(this.parameters.clientOf(process), SECRETS_PREFIX, id),
          },
          removalInputSchema.parse(payload),
        );
      default:
        throw new StatesError('Lambda.ResourceNotFoundException', name);
    }
  }
}

function describe(message: DriverMessage): string {
  const { kind } = message;
  const at = 'location' in message ? `@${message.location}` : '';
  const index = 'index' in message ? ` ${message.fleetId.slice(-4)}/${message.index}` : '';
  return `${kind}${index}${at}`;
}

function errorsToo(_name: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : value;
}
