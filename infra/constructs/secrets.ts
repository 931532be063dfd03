import { Construct } from 'constructs';
import type { DriverName } from '../../functions/model/connection.ts';
import type { Stage } from '../settings/config.ts';
import type { Encryption } from './encryption.ts';
import { type AppFunction, localArn } from './function.ts';

const SSH_FOLDER = 'ssh';

/**
 * Grants access to SecureStrings of Parameter Store, which cost nothing. The names of credentials begin with
 * `<prefix>/<driver>/`, and the names of fleets' private keys with `<prefix>/ssh/`. The values are encrypted
 * with the account's key `aws/ssm`, which every principal of the account may use through SSM, or with the key of
 * `Encryption`, for which functions get grants. No function may both write and read a secret.
 */
export class Secrets extends Construct {
  readonly prefix: string;
  readonly #drivers: readonly DriverName[];
  readonly #encryption: Encryption;

  constructor(scope: Construct, id: string, { stage, encryption }: { stage: Stage; encryption: Encryption }) {
    super(scope, id);
    this.#encryption = encryption;
    this.#drivers = stage.drivers;
    this.prefix = `/fleetwright/${stage.name}`;
  }

  keepsCredentials(by: AppFunction): void {
    const folders = this.#drivers.map((driver) => this.#below(driver));
    this.#connect(by, ['ssm:DeleteParameter', 'ssm:PutParameter'], folders);
  }

  removesCredentials(by: AppFunction): void {
    const folders = this.#drivers.map((driver) => this.#below(driver));
    this.#connect(by, ['ssm:DeleteParameter'], folders);
  }

  readsCredentialsOf(driver: DriverName, by: AppFunction): void {
    this.#connect(by, ['ssm:GetParameter'], [this.#below(driver)]);
  }

  /**
   * Grants the right to write and to delete private keys of fleets. If a fleet ends while the function writes
   * the fleet's key, the function deletes the key.
   */
  writesSshKeys(by: AppFunction): void {
    this.#connect(by, ['ssm:DeleteParameter', 'ssm:PutParameter'], [this.#below(SSH_FOLDER)]);
  }

  removesSshKeys(by: AppFunction): void {
    this.#connect(by, ['ssm:DeleteParameter'], [this.#below(SSH_FOLDER)]);
  }

  /**
   * Grants access to the counter by which functions detect that the tables were restored. The counter is not secret,
   * but its name has the same prefix as the secrets.
   */
  keepsBeat(by: AppFunction): void {
    this.#connect(by, ['ssm:GetParameter', 'ssm:PutParameter'], [this.#beat()]);
  }

  readsBeat(by: AppFunction): void {
    this.#connect(by, ['ssm:GetParameter'], [this.#beat()]);
  }

  #beat(): string {
    return localArn(this, 'ssm', `parameter${this.prefix}/deployment/beat`);
  }

  #connect(to: AppFunction, actions: readonly string[], resources: readonly string[]): void {
    to.set({ SECRETS_PREFIX: this.prefix });
    to.allow(actions, resources);
    const isBeat = resources.includes(this.#beat());
    if (isBeat || !this.#encryption.key) return;
    if (actions.includes('ssm:GetParameter')) this.#encryption.allowSecrets(to, 'read', resources);
    if (!actions.includes('ssm:PutParameter')) return;
    to.set({ SECRETS_KEY: this.#encryption.key.keyArn });
    this.#encryption.allowSecrets(to, 'write', resources);
  }

  #below(folder: string): string {
    return localArn(this, 'ssm', `parameter${this.prefix}/${folder}/*`);
  }
}
