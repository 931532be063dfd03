import { parseSimConfig } from '../../local/sim/engine/config.ts';
import { SimEngine } from '../../local/sim/engine/engine.ts';
import { createApp } from '../../local/sim/http/app.ts';
import type { Ground } from '../chaos/ground/ground.ts';
import { calmScenario } from '../chaos/scenario/calm.ts';
import type { Asked } from '../field/worlds/asked.ts';
import type { CloudWorld } from '../field/worlds/http.ts';
import { Script } from '../field/worlds/script.ts';

/** The simulated clouds with their HTTP API, in the test's process. */
export class SimWorld implements CloudWorld {
  readonly script = new Script();
  readonly #app: ReturnType<typeof createApp>;

  constructor(ground: Ground) {
    const engine = new SimEngine({
      config: parseSimConfig({ seed: ground.seed, clouds: calmScenario().clouds }),
      clock: ground,
      onEvent: () => {},
    });
    this.#app = createApp({ engine, waitUntil: (atMs) => ground.sleep(Math.max(0, atMs - ground.now())) });
  }

  /** Returns the name of a call, for example `POST instances` or `GET locations`. */
  nameOf({ method, url }: Pick<Asked, 'method' | 'url'>): string {
    const [, , , first = '', , kind] = url.pathname.split('/');
    return `${method} ${kind ?? first}`;
  }

  async answer({ method, url, headers, text }: Asked): Promise<Response> {
    return await this.#app.fetch(
      new Request(url, { method, headers, ...(text === '' ? {} : { body: text }) }),
    );
  }
}
