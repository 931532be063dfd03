import type { DriverName } from '../../functions/model/connection.ts';
import type { Asked } from '../field/worlds/asked.ts';
import { refusal } from '../field/worlds/ec2/xml.ts';
import type { CloudWorld } from '../field/worlds/http.ts';
import type { Spelling } from './spellings.ts';

/** What an endpoint does to a request beside what the cloud behind it does. */
export type Mood =
  | { kind: 'honest' }
  /** Refuses calls of these names with this status, and says the whole request in its words and its codes. */
  | { kind: 'refuses'; call: RegExp; status: number }
  /** Answers as the cloud does, and says the whole request in all words of its answer. */
  | { kind: 'talks'; call: RegExp };

/** An endpoint that repeats what it was asked, in one spelling. */
export class EchoingWorld implements CloudWorld {
  readonly script: CloudWorld['script'];
  mood: Mood = { kind: 'honest' };
  /** How many answers had the request in them. */
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

  /** The endpoint as one client reaches it. @param secrets that the client has; tokens come to them */
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

  /** For a client without a secret. */
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

  /** The request as it came, and the secrets alone, in turns which of them comes first: words are cut at their end. */
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

/** Fields of answers that a driver hands on, or may come to hand on, as words. */
const SPOKEN = new Set(['account', 'displayName', 'DisplayName', 'description', 'message', 'failureMessage']);

/** An answer with words in all of its fields for words; machines have failed for that reason. */
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
