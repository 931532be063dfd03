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
import { ask } from './ask.ts';
import type { Ec2Options } from './ec2.ts';
import { clientSettings } from './settings.ts';

/**
 * Stores writer marks as SSM parameters in the home region. A mark tells that a deployment uses the account. Standard
 * parameters are free of charge. Each writer has its own parameter: SSM has no conditional writes, and writers of one
 * shared parameter could overwrite each other's marks.
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
      const page = await this.#ask('GetParametersByPath', 'list', (options) =>
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
    await this.#ask('PutParameter', 'mutate', (options) => this.#client.send(call, options));
  }

  async remove(writerId: string): Promise<void> {
    const call = new DeleteParameterCommand({ Name: `${this.#path}/${writerId}` });
    await this.#ask('DeleteParameter', 'mutate', async (options) => {
      try {
        await this.#client.send(call, options);
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) throw error;
      }
    });
  }

  async #ask<Answer>(
    action: string,
    kind: 'list' | 'mutate',
    call: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    const location = this.#options.homeRegion;
    return await ask(this.#options, { action: `ssm:${action}`, kind, location }, call);
  }
}
