import {
  DeleteParameterCommand,
  GetParametersByPathCommand,
  type Parameter,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import type { WriterMark } from '../contract/capabilities.ts';
import { markText, parseMark } from '../contract/writer-marks.ts';
import type { Ec2Options } from './ec2.ts';
import { type CallEffect, driverErrorOf } from './errors.ts';
import { clientSettings, inTime } from './settings.ts';

/**
 * Marks of deployments: standard parameters of SSM in the account's home region, which cost nothing. One for each
 * writer, since SSM replaces a value without a condition.
 */
export class WriterParameters {
  readonly #client: SSMClient;
  readonly #options: Ec2Options;
  readonly #path: string;

  constructor(options: Ec2Options, deploymentId: string) {
    const { homeRegion, endpoint, keys, requestHandler } = options;
    const settings = clientSettings('ssm', homeRegion, endpoint, requestHandler);
    this.#client = new SSMClient({ ...settings, credentials: keys });
    this.#options = options;
    this.#path = `/fleetwright/writers/${deploymentId}`;
  }

  async list(): Promise<WriterMark[]> {
    const parameters: Parameter[] = [];
    let NextToken: string | undefined;
    do {
      const call = new GetParametersByPathCommand({ Path: this.#path, ...(NextToken && { NextToken }) });
      const page = await this.#ask('ssm:GetParametersByPath', 'reads', (options) =>
        this.#client.send(call, options),
      );
      parameters.push(...(page.Parameters ?? []));
      NextToken = page.NextToken;
    } while (NextToken);
    return parameters.flatMap(
      ({ Name = '', Value = '' }) => parseMark(Name.slice(this.#path.length + 1), Value) ?? [],
    );
  }

  async put(mark: WriterMark): Promise<void> {
    const call = new PutParameterCommand({
      Name: `${this.#path}/${mark.writerId}`,
      Value: markText(mark),
      Type: 'String',
      Overwrite: true,
    });
    await this.#ask('ssm:PutParameter', 'changes', (options) => this.#client.send(call, options));
  }

  async remove(writerId: string): Promise<void> {
    const call = new DeleteParameterCommand({ Name: `${this.#path}/${writerId}` });
    await this.#ask('ssm:DeleteParameter', 'changes', async (options) => {
      try {
        await this.#client.send(call, options);
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) throw error;
      }
    });
  }

  async #ask<Answer>(
    name: string,
    effect: CallEffect,
    call: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await inTime(this.#options.clock, call);
    } catch (error) {
      throw driverErrorOf(error, name, effect);
    }
  }
}
