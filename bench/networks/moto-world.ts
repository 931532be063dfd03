import { parseInstanceId } from '../../functions/model/identifiers.ts';
import type { Ground } from '../../test/chaos/ground/ground.ts';
import { forward } from '../../test/fault-proxy/exchange.ts';
import type { Asked } from '../../test/field/worlds/asked.ts';
import type { CloudWorld } from '../../test/field/worlds/http.ts';
import { Script } from '../../test/field/worlds/script.ts';

/** A request that moto has answered, in virtual time. */
export interface Answered {
  /** Action of EC2, STS or the Parameter Store, such as `RunInstances`. */
  action: string;
  service: string;
  atMs: number;
  /** Id of the instance that a RunInstances request names in its tags. */
  instanceId: string | undefined;
  /** True: the request only asks whether it would be allowed. moto performs most such requests all the same. */
  isDryRun: boolean;
  status: number;
}

/**
 * A cloud in virtual time whose answers are moto's. The clock stands still while moto works. Machines begin at the
 * virtual time of the request, because moto knows only the real time.
 */
export class MotoWorld implements CloudWorld {
  readonly script = new Script();
  readonly answered: Answered[] = [];
  readonly #ground: Ground;
  readonly #url: URL;
  readonly #region: string;
  readonly #launchedAt = new Map<string, string>();

  /** @param region the only region that the account has, so that no inventory of other regions is read */
  constructor(ground: Ground, url: string, region: string) {
    this.#ground = ground;
    this.#url = new URL(url);
    this.#region = region;
  }

  nameOf({ headers, text }: Pick<Asked, 'headers' | 'text'>): string {
    const target = headers.get('x-amz-target');
    if (target) return target.slice(target.indexOf('.') + 1);
    return new URLSearchParams(text).get('Action') ?? '';
  }

  async answer(asked: Asked): Promise<Response> {
    const action = this.nameOf(asked);
    const text = action === 'DescribeRegions' ? `${asked.text}&RegionName.1=${this.#region}` : asked.text;
    const { status, headers, body } = await this.#ground.scheduler.outside(
      forward(this.#url, {
        upstream: 'moto',
        method: asked.method,
        path: `${asked.url.pathname}${asked.url.search}`,
        headers: Object.fromEntries(asked.headers),
        body: Buffer.from(text),
      }),
    );
    const [service = ''] = asked.url.hostname.split('.');
    const parameters = new URLSearchParams(text);
    const instanceId = [...parameters.values()].find((value) => parseInstanceId(value) !== undefined);
    const isDryRun = parameters.get('DryRun') === 'true';
    this.answered.push({ action, service, atMs: asked.atMs, instanceId, isDryRun, status });
    const type = headers['content-type'] ?? 'text/xml';
    return new Response(this.#inVirtualTime(body.toString('utf8'), asked.atMs), {
      status,
      headers: { 'content-type': String(type) },
    });
  }

  #inVirtualTime(body: string, atMs: number): string {
    return body.replaceAll(
      /(<instanceId>(i-[0-9a-f]+)<\/instanceId>(?:(?!<instanceId>)[\s\S])*?<launchTime>)[^<]*/g,
      (_all, before: string, id: string) => {
        const at = this.#launchedAt.get(id) ?? new Date(atMs).toISOString();
        this.#launchedAt.set(id, at);
        return `${before}${at}`;
      },
    );
  }
}
