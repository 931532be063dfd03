import * as z from 'zod';
import { defineDriver } from '../../../functions/drivers/contract/define-driver.ts';
import type { CloudClient, Driver } from '../../../functions/drivers/contract/driver.ts';
import { parseMachineName } from '../../../functions/drivers/contract/names.ts';
import { createSimDriver } from '../../../functions/drivers/sim/driver.ts';
import { simMetadata } from '../../../functions/drivers/sim/metadata.ts';
import type { Credential } from '../../../functions/model/connection.ts';
import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import { type CloudConfig, parseSimConfig } from '../../../local/sim/engine/config.ts';
import { SimEngine } from '../../../local/sim/engine/engine.ts';
import { enforcedLimits } from '../../../local/sim/engine/perform.ts';
import type { InstanceRecord, SimEvent } from '../../../local/sim/engine/records.ts';
import { terminateManyInputSchema } from '../../../local/sim/engine/requests.ts';
import type { Site } from '../../../local/sim/engine/state.ts';
import { statusAt } from '../../../local/sim/engine/status.ts';
import { createApp } from '../../../local/sim/http/app.ts';
import type { Ground } from '../ground/ground.ts';
import type { Process } from '../ground/process.ts';
import { DirectClient, DirectTransport } from './direct.ts';
import { PermitCount } from './permits.ts';

/** Id of the deployment under test. */
export const DEPLOYMENT = 'chaos';
export const ENDPOINT = 'http://clouds.invalid';
const PATIENCE_MS = 10_000;
const CREATE_PATIENCE_MS = 15_000;

const terminatedSchema = z.object({ items: z.array(z.unknown()) });
/** The cloud's answer to a removal of something that is protected. */
const PROTECTION = {
  status: 409,
  code: 'IncorrectState',
  message: 'the removal is refused: it is protected',
} as const;

/** Thrown when no answer came in time. The call may have taken effect. */
class NoAnswer extends Error {
  override readonly name = 'TimeoutError';
}

export interface CloudOptions {
  clouds: Readonly<Record<string, CloudConfig>>;
  /** False if the clouds do not say to which account a credential belongs. */
  tellsAccounts?: boolean | undefined;
  /** True if the driver calls the clouds without HTTP, for fault-free runs with many thousands of instances. */
  isDirect?: boolean;
  onCloudEvent(event: SimEvent): void;
}

/** Runs the simulated clouds in virtual time, and reports each of their events to the checks. */
export class Clouds {
  readonly engine: SimEngine;
  readonly #ground: Ground;
  readonly #app: ReturnType<typeof createApp>;
  /** Every call that reached a cloud, failed calls included. */
  readonly asked: { call: string; cloud: string; location: string; atMs: number }[] = [];
  readonly permits = new PermitCount();
  readonly #isDirect: boolean;
  /** Accounts whose credential currently reaches another account. */
  readonly changedAccounts = new Set<string>();
  readonly #tellsAccounts: boolean;
  /**
   * Ids of machines, network resources and volumes that the cloud refuses to remove, with the number of requests that it
   * refused since it last accepted one.
   */
  readonly protectedIds = new Map<string, number>();
  /** Paths of lists whose next answer is empty. */
  readonly #emptyLists = new Set<string>();

  constructor(
    ground: Ground,
    { clouds, tellsAccounts = true, isDirect = false, onCloudEvent }: CloudOptions,
  ) {
    this.#ground = ground;
    this.#isDirect = isDirect;
    this.#tellsAccounts = tellsAccounts;
    this.engine = new SimEngine({
      config: parseSimConfig({ seed: ground.seed, clouds }),
      clock: ground,
      onEvent: (event) => {
        if (event.kind === 'call') {
          const { cloud, location } = event.site;
          this.asked.push({ call: event.call, cloud, location, atMs: ground.now() });
        }
        onCloudEvent(event);
      },
    });
    this.#app = createApp({
      engine: this.engine,
      waitUntil: (atMs) => ground.sleep(Math.max(0, atMs - ground.now())),
    });
  }

  /** Returns the driver through which one process calls the clouds. */
  driverOf(process: Process): Driver {
    const told = this.#isDirect ? this.#directDriverOf(process) : this.#httpDriverOf(process);
    const asked = this.#tellsAccounts ? told : withoutAccounts(told);
    return {
      ...asked,
      connect: ({ credential, calls, ...options }) =>
        asked.connect({
          ...options,
          credential: this.#asChanged(credential),
          calls: this.permits.over(calls),
        }),
    };
  }

  /**
   * Returns the credential of the foreign account if `changedAccounts` has the credential's account, else the
   * credential itself.
   */
  #asChanged(credential: Credential): Credential {
    const { account = '' } = credential;
    return this.changedAccounts.has(account)
      ? { ...credential, account: foreignAccount(account) }
      : credential;
  }

  #directDriverOf(process: Process): Driver {
    return defineDriver(simMetadata, ({ cloud, credential, deploymentId, calls }) => {
      const caller = { cloud, account: credential['account'] ?? '', apiKey: undefined };
      return new DirectClient(new DirectTransport(this.engine, process, caller, calls), deploymentId);
    });
  }

  #httpDriverOf(process: Process): Driver {
    return createSimDriver(async (request, _signal, permit) => {
      this.permits.note(request, permit);
      const create = request.method === 'POST' && /\/instances(\/batch)?$/.test(request.url);
      const what = `${request.method} ${request.url.slice(ENDPOINT.length + 8, ENDPOINT.length + 100)}`;
      const timer = new AbortController();
      const late = this.#ground.scheduler
        .sleep(create ? CREATE_PATIENCE_MS : PATIENCE_MS, timer.signal)
        .then((): never => {
          throw new NoAnswer('no answer in time');
        });
      late.catch(() => {});
      try {
        return await process.call(what, async () => {
          const ignored = await this.#ignoredBy(request);
          if (ignored) return ignored;
          const answered = this.#withoutProtected(request);
          answered.catch(() => {});
          const answer = await Promise.race([answered, late]);
          if (await isNetworkQuota(request, answer)) this.#ground.counts.networkQuotas += 1;
          if (answer.ok && this.#showsNothing(request)) return Response.json({ items: [] });
          return create && answer.ok && this.#denies() ? denial() : answer;
        });
      } finally {
        timer.abort('answered');
      }
    });
  }

  /** Makes the next list of a location's machines empty. */
  emptyNextList({ cloud, location }: { cloud: string; location: string }): void {
    this.#emptyLists.add(`/clouds/${cloud}/locations/${location}/instances`);
  }

  #showsNothing({ method, url }: Request): boolean {
    const { pathname, searchParams } = new URL(url);
    if (method !== 'GET' || searchParams.has('launchToken')) return false;
    if (!this.#emptyLists.delete(pathname)) return false;
    this.#ground.counts.emptyLists += 1;
    return true;
  }

  /** Draws whether the cloud accepts this removal and then leaves the machines running. @returns its answer then */
  async #ignoredBy(request: Request): Promise<Response | undefined> {
    const { random, disturbance, counts } = this.#ground;
    const { method, url } = request;
    const isOfMany = method === 'POST' && url.endsWith('/instances/terminate');
    if (!isOfMany && (method !== 'DELETE' || !url.includes('/instances/'))) return undefined;
    if (!random.chance(disturbance.ignoredRemoval)) return undefined;
    counts.ignoredRemovals += 1;
    const ids = isOfMany
      ? terminateManyInputSchema.parse(await request.clone().json()).ids
      : [new URL(url).pathname.split('/').at(-1) ?? ''];
    // The record of a machine whose removal is accepted says nothing of earlier refusals.
    for (const id of ids) if (this.protectedIds.has(id)) this.protectedIds.set(id, 0);
    return Response.json(isOfMany ? { items: ids.map((id) => ({ id })) } : {}, { status: 202 });
  }

  /** Performs a request. Refuses the removal of each thing that is protected, also among many machines. */
  async #withoutProtected(request: Request): Promise<Response> {
    const { method, url } = request;
    if (method === 'POST' && url.endsWith('/instances/terminate'))
      return await this.#terminateOthers(request);
    const id = new URL(url).pathname.split('/').at(-1) ?? '';
    if (method !== 'DELETE' || !this.#isProtected(id)) return await this.#app.fetch(request);
    const { status, ...body } = PROTECTION;
    return Response.json(body, { status });
  }

  async #terminateOthers(request: Request): Promise<Response> {
    const { ids } = terminateManyInputSchema.parse(await request.clone().json());
    const refused = ids.filter((id) => this.#isProtected(id));
    if (refused.length === 0) return await this.#app.fetch(request);
    const items = refused.map((id) => ({ id, error: PROTECTION }));
    const others = ids.filter((id) => !refused.includes(id));
    if (others.length === 0) return Response.json({ items }, { status: 202 });
    const { url, method, headers } = request;
    const body = JSON.stringify({ ids: others });
    const answer = await this.#app.fetch(new Request(url, { method, headers, body }));
    if (!answer.ok) return answer;
    const ended = terminatedSchema.parse(await answer.json());
    return Response.json({ items: [...ended.items, ...items] }, { status: answer.status });
  }

  /** Returns true if the cloud refuses to remove the thing, and counts the refusal. */
  #isProtected(id: string): boolean {
    const tries = this.protectedIds.get(id);
    if (tries === undefined) return false;
    this.protectedIds.set(id, tries + 1);
    this.#ground.counts.protectedRemovals += 1;
    return true;
  }

  #denies(): boolean {
    const { random, disturbance, counts } = this.#ground;
    if (!random.chance(disturbance.deniedCreate)) return false;
    counts.deniedCreates += 1;
    return true;
  }

  get sites(): Site[] {
    return [...this.engine.world.state.sites.values()].filter(({ key }) => key.location !== '');
  }

  /**
   * Returns every machine that was ever made or planted, with its current status.
   * `ours` is the instance id in the name of a machine that a create call made. It is undefined for a planted
   * machine and for a machine at a foreign account.
   */
  machines(): (InstanceRecord & { status: string; ours: string | undefined })[] {
    const nowMs = this.#ground.now();
    return this.sites.flatMap(({ gone, live }) =>
      [...gone, ...live.values()].map((record) => ({
        ...record,
        status: statusAt(record, nowMs),
        ours:
          record.planted || isForeignAccount(record.account)
            ? undefined
            : parseMachineName(DEPLOYMENT, record.name)?.instanceId,
      })),
    );
  }
}

/** Returns a driver whose verification of a credential does not return the account. */
function withoutAccounts(driver: Driver): Driver {
  const verified = async (client: CloudClient) => {
    await client.verifyCredential();
    return { account: undefined };
  };
  return {
    ...driver,
    connect: (options) => {
      const client = driver.connect(options);
      const asked = driver.connect(options);
      return Object.assign(client, { verifyCredential: () => verified(asked) });
    },
  };
}

/** Returns another account of the same cloud, which a connection's credential reaches for a while. */
export const foreignAccount = (account: string): string => `${account}-foreign`;
export const isForeignAccount = (account: string): boolean => account.endsWith('-foreign');

/**
 * Returns an error for a create that made its machine. The error names no cause, as if the cloud had given up
 * half-way.
 */
function denial(): Response {
  return Response.json(
    { code: 'InternalError', message: 'the machine did not come up in time' },
    { status: 500 },
  );
}

/** Returns true if a quota refused a network, a security group or a key pair. */
async function isNetworkQuota({ method, url }: Request, answer: Response): Promise<boolean> {
  if (method !== 'POST' || answer.status !== 403) return false;
  if (!/\/(networks|security-groups|key-pairs)$/.test(new URL(url).pathname)) return false;
  const told: unknown = await answer.clone().json();
  return typeof told === 'object' && told !== null && 'code' in told && told.code === 'QuotaExceeded';
}

/** Returns connection limits equal to the limits that this cloud enforces. */
export const limitsOf = (config: CloudConfig) => enforcedLimits(config) satisfies LimitOverride;
