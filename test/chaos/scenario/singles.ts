import { parseMachineName } from '../../../functions/drivers/contract/names.ts';
import type { Instance } from '../../../functions/model/fleet.ts';
import type { Violation } from '../invariants/violation.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Lab } from '../world/lab.ts';
import type { Client } from './client.ts';
import type { SingleScript } from './draw-singles.ts';

/** Longest time in ms from a request that waits until its answer: longer waits end in a time-out of API Gateway. */
const LONGEST_ANSWER_MS = 29_000;

/** Asks for single instances, waits for them in the requests, and deletes some of them. */
export class Singles {
  readonly #lab: Lab;
  readonly #client: Client;
  readonly #violations: Violation[];

  constructor(lab: Lab, client: Client, violations: Violation[]) {
    this.#lab = lab;
    this.#client = client;
    this.#violations = violations;
  }

  async play(scripts: readonly SingleScript[]): Promise<void> {
    await Promise.all(scripts.map((script, at) => this.#play(script, `single-${at}`)));
  }

  async #play(script: SingleScript, key: string): Promise<void> {
    const { ground } = this.#lab;
    await ground.sleep(script.atMs);
    const asked = [this.#ask(script, key)];
    if (script.isRepeated) asked.push(ground.sleep(2_000).then(() => this.#ask(script, key)));
    if (script.deletedAfterMs !== undefined) {
      await ground.sleep(script.deletedAfterMs);
      const known = await this.#client.createInstance(script.request, key);
      if (known) await this.#client.removeInstance(known.instance.id);
    }
    const answers = (await Promise.all(asked)).flatMap((one) => one ?? []);
    const ids = new Set(answers.map(({ id }) => id));
    if (ids.size > 1)
      this.#add('duplicated', `one request for an instance was answered with ${[...ids].join(' and ')}`);
  }

  async #ask({ request, waitSeconds }: SingleScript, key: string): Promise<Instance | undefined> {
    const { ground, skewMs } = this.#lab;
    const answer = await this.#client.createInstance(request, key, waitSeconds);
    if (!answer) return undefined;
    const { instance, tookMs, isWaited } = answer;
    if (isWaited) ground.counts.waitedFor += 1;
    ground.trace.add('client', `${instance.id} is ${instance.status} after ${tookMs} ms`);
    if (tookMs > LONGEST_ANSWER_MS && skewMs === 0)
      this.#add('limit', `the request for ${instance.id} was answered after ${tookMs} ms`);
    if (instance.status === 'Running' && !this.#hasRun(instance.id))
      this.#add('record', `the answer says that ${instance.id} runs, and no machine of it has run`);
    return instance;
  }

  /** Returns true if a machine of the instance runs or has run, also at an account that its credential had for a while. */
  #hasRun(id: string): boolean {
    return this.#lab.clouds
      .machines()
      .some(
        ({ name, status }) => status !== 'Creating' && parseMachineName(DEPLOYMENT, name)?.instanceId === id,
      );
  }

  #add(kind: Violation['kind'], text: string): void {
    this.#violations.push({ kind, text });
  }
}
