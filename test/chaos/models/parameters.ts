import {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  ParameterVersionNotFound,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { CALL_LIMITS } from '../../../functions/platform/runtime/aws-clients.ts';
import type { Process } from '../ground/process.ts';
import type { ServiceMeters, ServiceRate } from './service-limits.ts';

const META = { $metadata: {} };
const { maxAttempts } = CALL_LIMITS.ssm;
/** Number of versions of a parameter that the Parameter Store keeps. */
const KEPT_VERSIONS = 100;

/**
 * The prototype of each process's client. Making a client with the SDK is slow, and there are many processes.
 */
const CLIENT = new SSMClient({
  region: 'local',
  credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
});

/** Maps the number of a version to its value. The latest version is last. */
type Versions = Map<number, string>;

/** Models the Parameter Store: named values with versions. It throws the SDK's errors. */
export class ParameterStore {
  readonly #parameters = new Map<string, Versions>();
  /** Called after each new version. */
  onPut: (name: string) => void = () => {};
  readonly #meters: ServiceMeters;

  constructor(meters: ServiceMeters) {
    this.#meters = meters;
  }

  /** Names of all parameters, in order. */
  get names(): string[] {
    return [...this.#parameters.keys()].sort();
  }

  /**
   * Returns the value of a parameter; undefined if the parameter does not have the version.
   *
   * @param version omit it for the latest version
   */
  value(name: string, version?: number): string | undefined {
    const versions = this.#parameters.get(name);
    return versions?.get(version ?? Math.max(...versions.keys()));
  }

  /** Returns the client of one process. Each call takes virtual time, and the process may die before or after it. */
  clientOf(process: Process): SSMClient {
    const send = (command: object) => {
      const what = command.constructor.name.replace(/Command$/, '');
      const rate = this.#rateOf(command);
      const perform = () => this.#perform(command);
      return rate ? rate.call(process, { what, maxAttempts }, perform) : process.call(what, perform);
    };
    const client: SSMClient = Object.create(CLIENT, { send: { value: send } });
    return client;
  }

  #rateOf(command: object): ServiceRate | undefined {
    if (command instanceof PutParameterCommand) return this.#meters.putParameter;
    return command instanceof GetParameterCommand ? this.#meters.getParameter : undefined;
  }

  #perform(command: object): object {
    if (command instanceof PutParameterCommand) return this.#put(command.input);
    if (command instanceof GetParameterCommand) return this.#get(command.input.Name ?? '');
    if (command instanceof DeleteParameterCommand) return this.#delete(command.input.Name ?? '');
    throw new TypeError(`the model of the Parameter Store does not support ${command.constructor.name}`);
  }

  #put({ Name = '', Value = '', Overwrite }: PutParameterCommand['input']): object {
    const known = this.#parameters.get(Name);
    if (known && !Overwrite)
      throw new ParameterAlreadyExists({ message: `parameter ${Name} already exists`, ...META });
    const versions: Versions = known ?? new Map();
    const Version = Math.max(0, ...versions.keys()) + 1;
    versions.set(Version, Value);
    versions.delete(Version - KEPT_VERSIONS);
    this.#parameters.set(Name, versions);
    this.onPut(Name);
    return { Version, ...META };
  }

  /** @param selector a name, or `name:version` */
  #get(selector: string): object {
    const [, name = '', version] = /^(.*?)(?::([0-9]+))?$/.exec(selector) ?? [];
    const versions = this.#parameters.get(name);
    if (!versions) throw new ParameterNotFound({ message: name, ...META });
    const Version = version === undefined ? Math.max(...versions.keys()) : Number(version);
    const Value = versions.get(Version);
    if (Value === undefined) throw new ParameterVersionNotFound({ message: selector, ...META });
    return { Parameter: { Name: name, Version, Value }, ...META };
  }

  #delete(name: string): object {
    if (!this.#parameters.delete(name)) throw new ParameterNotFound({ message: name, ...META });
    return META;
  }
}
