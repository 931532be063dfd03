import type { DriverName } from '../../functions/model/connection.ts';
import type { Asked } from '../field/worlds/asked.ts';
import { refusal } from '../field/worlds/ec2/xml.ts';
import type { CloudWorld } from '../field/worlds/http.ts';
import type { Spelling } from './spellings.ts';

/** How an endpoint changes the answers of the cloud behind it. */
export type Mood =
  | { kind: 'honest' }
  /**
   * Refuses the calls whose name matches `call`. The error message contains the request and the client's
   * secrets. If the cloud's errors have a code, the error code contains one secret.
   */
  | { kind: 'refuses'; call: RegExp; status: number }
  /**
   * Answers the calls whose name matches `call` as the cloud does, but puts the request and the client's
   * secrets into the text fields.
   */
  | { kind: 'talks'; call: RegExp };

/**
 * A cloud endpoint that repeats requests in its answers. The endpoint writes repeated requests and secrets in
 * one spelling, for example in base64.
 */
export class EchoingWorld implements CloudWorld {
  readonly script: CloudWorld['script'];
  mood: Mood = { kind: 'honest' };
  /** Number of answers that repeated a request. */
  echoes = 0;
  readonly #world: CloudWorld;
  readonly #driver: DriverName;
  readonly #spelling: Spelling;

  constructor(world: CloudWorld, driver: DriverName, spelling: Spelling) {
    this.#world = world;
    this.script = world.script;
    this.#driver = driver;
    this.#spelling = spelling;
  }

  /**
   * Returns the endpoint that one client calls.
   *
   * @param secrets the client's secrets; tokens that the endpoint issues are added
   */
  asOf(secrets: readonly string[]): CloudWorld {
    const known = new Set(secrets);
    return {
      script: this.script,
      nameOf: (asked) => this.nameOf(asked),
      answer: async (asked) => {
        const response = await this.#answer(asked, [...known]);
        const token = response.headers.get('x-subject-token');
        if (token !== null) known.add(token);
        return response;
      },
    };
  }

  nameOf(asked: Asked): string {
    return this.#world.nameOf(asked);
  }

  /** Answers a client that has no secrets. */
  answer(asked: Asked): Promise<Response> {
    return this.#answer(asked, []);
  }

  async #answer(asked: Asked, secrets: readonly string[]): Promise<Response> {
    const { mood } = this;
    if (mood.kind === 'honest' || !mood.call.test(this.nameOf(asked))) return await this.#world.answer(asked);
    this.echoes += 1;
    const words = this.#wordsOf(asked, secrets);
    if (mood.kind === 'refuses') return REFUSALS[this.#driver](mood.status, this.#codeOf(secrets), words);
    const response = await this.#world.answer(asked);
    const text = talked(await response.text(), words, this.#driver);
    return new Response(text, { status: response.status, headers: response.headers });
  }

  /**
   * Returns one text with the request and the secrets. In every second text the request comes first, because
   * drivers cut long messages at the end.
   */
  #wordsOf({ method, url, headers, text }: Asked, secrets: readonly string[]): string {
    const head = [...headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    const { spell } = this.#spelling;
    const parts = [
      ...secrets.map((secret) => `refused ${spell(secret)}`),
      `request: ${spell(`${method} ${url.href}\n${head}\n\n${text}`)}`,
    ];
    return (this.echoes % 2 === 0 ? parts : parts.toReversed()).join('; ');
  }

  #codeOf([secret = '']: readonly string[]): string {
    return `Bad.${this.#spelling.spell(secret).replaceAll('\n', '')}`;
  }
}

const REFUSALS: Readonly<Record<DriverName, (status: number, code: string, message: string) => Response>> = {
  sim: (status, code, message) => Response.json({ code, message }, { status }),
  aws: refusal,
  openstack: (status, title, message) =>
    Response.json({ error: { code: status, title, message } }, { status }),
  'cb-spider': (status, _code, message) => Response.json({ message }, { status }),
};

/** Text fields of a cloud's answer that a driver may pass on. */
const SPOKEN = new Set(['account', 'displayName', 'DisplayName', 'description', 'message', 'failureMessage']);

/**
 * Puts `words` into the text fields of an answer. For drivers sim and openstack, changes each machine in the
 * answer to a failed machine with `words` as its failure message.
 */
function talked(text: string, words: string, driver: DriverName): string {
  if (driver === 'aws') {
    return text.replaceAll(
      /<(description|message|Account)>[^<]*</g,
      (_, tag) => `<${tag}>${xmlText(words)}<`,
    );
  }
  return JSON.stringify(JSON.parse(text), (name: string, value: unknown) => {
    if (SPOKEN.has(name) && typeof value === 'string')
      return name === 'message' ? `${value} ${words}` : words;
    if (name === 'project' && isObject(value)) return { ...value, name: words };
    if (!isObject(value)) return value;
    if (driver === 'sim' && 'launchToken' in value) {
      return { ...value, status: 'Failed', failureMessage: words };
    }
    if (driver === 'openstack' && 'metadata' in value && 'addresses' in value) {
      return { ...value, status: 'ERROR', fault: { message: words } };
    }
    return value;
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const xmlText = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
