import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { ask } from './ask.ts';
import type { Ec2Options } from './ec2.ts';
import { clientSettings } from './settings.ts';

/** Maximum number of names that SSM accepts in one call. */
const MAX_NAMES = 10;
/**
 * These errors mean that the credential lacks the right to read SSM, or that the connection's endpoint has no SSM. The
 * driver then continues without SSM.
 */
const TELLS_NOTHING: readonly DriverErrorCode[] = [
  'Unauthorized',
  'Forbidden',
  'InvalidRequest',
  'NotFound',
  'Unsupported',
];

/** Reads SSM's public parameters, in which publishers of images name their newest images. */
export class PublicParameters {
  readonly #options: Ec2Options;
  readonly #clients = new Map<string, SSMClient>();

  constructor(options: Ec2Options) {
    this.#options = options;
  }

  /**
   * Reads parameters, `MAX_NAMES` in one request. Sends no further request after a request that SSM refuses.
   *
   * @returns the values that were read, by parameter name; parameters that the region does not have are absent
   */
  async read(location: string, names: readonly string[]): Promise<Map<string, string>> {
    const values = new Map<string, string>();
    for (let at = 0; at < names.length; at += MAX_NAMES) {
      const known = await this.#read(location, names.slice(at, at + MAX_NAMES));
      if (!known) break;
      for (const { Name, Value } of known) if (Name && Value) values.set(Name, Value);
    }
    return values;
  }

  async #read(location: string, Names: string[]) {
    try {
      const call = new GetParametersCommand({ Names });
      const asked = { action: 'ssm:GetParameters', kind: 'list', location } as const;
      const { Parameters } = await ask(this.#options, asked, (options) =>
        this.#client(location).send(call, options),
      );
      return Parameters ?? [];
    } catch (error) {
      if (error instanceof DriverError && TELLS_NOTHING.includes(error.code)) return undefined;
      throw error;
    }
  }

  #client(location: string): SSMClient {
    const known = this.#clients.get(location);
    if (known) return known;
    const { endpoint, keys, requestHandler } = this.#options;
    const settings = clientSettings('ssm', location, endpoint, requestHandler);
    const client = new SSMClient({ ...settings, credentials: keys });
    this.#clients.set(location, client);
    return client;
  }
}
