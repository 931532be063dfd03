import type { Ground } from '../../../chaos/ground/ground.ts';
import { answerTo } from '../../../contract/servers/spider-double/answer-to.ts';
import type { Pace } from '../../../contract/servers/spider-double/machines.ts';
import { type Route, routesOf } from '../../../contract/servers/spider-double/routes.ts';
import { type CloudMachine, World } from '../../../contract/servers/spider-double/world.ts';
import type { Asked } from '../asked.ts';
import type { CloudWorld } from '../http.ts';
import { Script } from '../script.ts';

export const SPIDER_URL = 'http://spider.invalid:1024';
export const SPIDER_ACCOUNT = { username: 'spider', password: 'password-of-spider' };

/** Runs the test double of CB-Spider and its mock cloud in virtual time. */
export class SpiderWorld implements CloudWorld {
  readonly script = new Script();
  readonly world = new World();
  readonly #routes: Route[];
  readonly #ground: Ground;
  readonly #addressMs: number;

  /** @param pace `addressMs`: time from the end of a start until answers have the machine's addresses */
  constructor(ground: Ground, { addressMs = 0, ...pace }: Partial<Pace> & { addressMs?: number } = {}) {
    this.#ground = ground;
    this.#addressMs = addressMs;
    const full = { prepareMs: 500, startMs: 6_000, terminateMs: 4_000, ...pace };
    this.#routes = routesOf(this.world, full, {
      now: () => ground.now(),
      sleep: (ms) => ground.sleep(ms),
    });
  }

  /** Returns method and resource, for example `POST vm`, `GET allvminfo` or `DELETE vm`. */
  nameOf({ method, url }: Pick<Asked, 'method' | 'url'>): string {
    return `${method} ${url.pathname.split('/')[2] ?? ''}`;
  }

  async answer({ method, url, headers, text }: Asked): Promise<Response> {
    this.#hideAddresses();
    const { status, body } = await answerTo(this.#routes, SPIDER_ACCOUNT, {
      method,
      target: `${url.pathname}${url.search}`,
      authorization: headers.get('authorization') ?? undefined,
      text,
    });
    return Response.json(body, { status });
  }

  /** Sets or removes the addresses of all machines, by the times at which their starts ended. */
  #hideAddresses(): void {
    if (this.#addressMs === 0) return;
    const nowMs = this.#ground.now();
    for (const machine of this.world.accounts().flatMap(({ machines }) => machines)) {
      const isHidden = nowMs < (machine.runningAtMs ?? nowMs) + this.#addressMs;
      if (isHidden) machine.addresses = { publicIp: '', privateIp: '' };
      else delete machine.addresses;
    }
  }

  /**
   * Makes a machine as a restore from a backup does: with a new id and the same name. CB-Spider does not know
   * the new machine.
   */
  restore(mockName: string, machine: CloudMachine, nowMs: number): CloudMachine {
    const { SystemId } = this.world.newId(machine.NameId, 'OFF');
    const copy = { ...machine, SystemId, startedAt: new Date(nowMs).toISOString(), status: 'Running' };
    this.world.account(mockName).machines.push(copy);
    return copy;
  }

  /** Ends a machine at the mock cloud, not through CB-Spider. */
  end(mockName: string, { SystemId }: Pick<CloudMachine, 'SystemId'>): void {
    const account = this.world.account(mockName);
    account.machines = account.machines.filter((machine) => machine.SystemId !== SystemId);
  }

  /** Returns the machines of an account at the mock cloud. */
  standing(mockName: string): readonly CloudMachine[] {
    return this.world.account(mockName).machines;
  }
}
