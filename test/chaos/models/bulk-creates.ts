import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallGate, Permit } from '../../../functions/drivers/contract/call-gate.ts';
import type { BatchCreate, CreateOutcome } from '../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import type { Bucket } from '../../../functions/model/rate.ts';
import { TokenBucket } from '../../../local/sim/engine/token-bucket.ts';

/** A create call for several machines, while its single creates are made. */
interface BulkCall {
  machines: number;
  /** Resolves when the call has its permit. Absent: none was asked for. */
  permitted?: Promise<void>;
}

/**
 * Adds create calls for several machines to the simulated clouds. The machines of a call are made by separate requests,
 * so each may be made, refused or lost. The cloud meters them one by one. With a rate of calls, it also meters the calls
 * themselves, in a bucket of their own for each account and location.
 */
export class BulkCreates {
  readonly #calls = new AsyncLocalStorage<BulkCall>();
  readonly #rates: Readonly<Record<string, Bucket>>;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #now: () => number;

  /** @param rates rate of create calls of each cloud that meters calls and machines apart */
  constructor(rates: Readonly<Record<string, Bucket>>, now: () => number) {
    this.#rates = rates;
    this.#now = now;
  }

  /** Wraps a call gate: the creates of one call for several machines ask for one permit. */
  over(calls: CallGate): CallGate {
    return {
      send: async (call, request) => {
        const bulk = call.kind === 'create' ? this.#calls.getStore() : undefined;
        if (!bulk) return await calls.send(call, request);
        bulk.permitted ??= calls.send({ ...call, machines: bulk.machines }, () => Promise.resolve());
        await bulk.permitted;
        return await request(new Permit(call));
      },
    };
  }

  /** Returns a client of a cloud's account with create calls for at most `maxBatchSize` machines. */
  client(
    client: CloudClient,
    { cloud, account, maxBatchSize }: { cloud: string; account: string; maxBatchSize: number },
  ): CloudClient & BatchCreate {
    return Object.assign(client, {
      maxBatchSize,
      createInstances: async (specs: readonly InstanceSpec[]) => {
        const bulk: BulkCall = { machines: specs.length };
        const refusal = this.#refusal(`${cloud} ${account} ${specs[0]?.location}`, cloud);
        if (refusal) return specs.map((): CreateOutcome => ({ error: refusal }));
        return await this.#calls.run(bulk, () => Promise.all(specs.map((spec) => createOne(client, spec))));
      },
    });
  }

  /** Counts a call of the given site. @returns the error if the cloud throttles it */
  #refusal(site: string, cloud: string): DriverError | undefined {
    const rate = this.#rates[cloud];
    if (!rate) return undefined;
    const bucket = this.#buckets.get(site) ?? new TokenBucket(rate, this.#now());
    this.#buckets.set(site, bucket);
    const waitMs = bucket.waitMs(this.#now());
    if (waitMs === 0) {
      bucket.take();
      return undefined;
    }
    return new DriverError('Throttled', 'the rate limit of create calls is exceeded', {
      retryAfterMs: waitMs,
    });
  }
}

async function createOne(client: CloudClient, spec: InstanceSpec): Promise<CreateOutcome> {
  try {
    return { instance: await client.createInstance(spec) };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return { error };
  }
}
