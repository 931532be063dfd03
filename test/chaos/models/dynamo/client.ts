import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Answer } from './dynamo.ts';

/** Answers a command in place of DynamoDB. */
export type Answerer = (command: string, input: unknown) => Promise<Answer>;

/** A document client whose commands go to `answerer` instead of being marshalled and sent. */
export interface ModelClient {
  document: DynamoDBDocumentClient;
  answerer: Answerer;
}

const unowned: Answerer = () => Promise.reject(new Error('this client belongs to no process'));

function openClient(): ModelClient {
  const document = DynamoDBDocumentClient.from(
    new DynamoDBClient({ region: 'local', credentials: { accessKeyId: 'none', secretAccessKey: 'none' } }),
  );
  const client: ModelClient = { document, answerer: unowned };
  // Answers before any middleware runs: the SDK builds its middleware chain for each command, which takes
  // longer than the model.
  Object.defineProperty(document, 'send', {
    value: (command: { constructor: { name: string }; input: unknown }) =>
      client.answerer(command.constructor.name, command.input),
  });
  return client;
}

/**
 * Clients that no run uses. Making a client is slow, so a run borrows clients and returns them at its end.
 */
const idle: ModelClient[] = [];

export class ClientLoans {
  readonly #lent: ModelClient[] = [];

  lend(answerer: Answerer): DynamoDBDocumentClient {
    const client = idle.pop() ?? openClient();
    client.answerer = answerer;
    this.#lent.push(client);
    return client.document;
  }

  takeBack(): void {
    for (const client of this.#lent.splice(0)) {
      client.answerer = unowned;
      idle.push(client);
    }
  }
}
