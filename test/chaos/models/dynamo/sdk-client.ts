import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { openDocumentClient } from '../../../../functions/platform/store/store.ts';
import { computedMs } from '../../time/computed.ts';
import type { Answer } from './dynamo.ts';
import type { Item } from './evaluate.ts';
import { marshalled } from './marshal.ts';

/** Performs a command of the document client on the model of DynamoDB. */
export type Perform = (command: string, input: unknown) => Answer;

const requestSchema = z.object({ headers: z.record(z.string(), z.string()), body: z.instanceof(Uint8Array) });
const failureSchema = z.object({
  name: z.string(),
  message: z.string(),
  CancellationReasons: z.unknown().optional(),
});
const [ENCODER, DECODER] = [new TextEncoder(), new TextDecoder()];

/**
 * Opens the functions' own document client over the model of DynamoDB. The SDK marshals, signs and parses as over the
 * network.
 *
 * @param onRequest called with each request, and with the time in ms that the model computed for it
 */
export function openTableClient(
  perform: Perform,
  onRequest: (modelMs: number) => void,
): DynamoDBDocumentClient {
  const requestHandler: DynamoDBClientConfig['requestHandler'] = {
    handle(request: unknown) {
      const { headers, body } = requestSchema.parse(request);
      const beganMs = computedMs();
      const { statusCode, answer } = answerOf(perform, headers['x-amz-target'] ?? '', DECODER.decode(body));
      const content = ENCODER.encode(JSON.stringify(answer));
      onRequest(computedMs() - beganMs);
      return Promise.resolve({
        response: { statusCode, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: content },
      });
    },
    destroy() {},
  };
  return openDocumentClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    requestHandler,
  });
}

function answerOf(perform: Perform, target: string, body: string): { statusCode: number; answer: unknown } {
  const command = `${target.replace(/^.*\./, '').replace(/Items?$/, '')}Command`;
  try {
    return { statusCode: 200, answer: encoded(perform(command, JSON.parse(body, plain))) };
  } catch (error) {
    const { name, ...rest } = failureSchema.parse(error);
    return { statusCode: 400, answer: { __type: name, ...rest } };
  }
}

const attributeSchema = z.union([
  z.strictObject({ S: z.string() }).transform(({ S }) => S),
  z.strictObject({ N: z.string() }).transform(({ N }) => Number(N)),
  z.strictObject({ BOOL: z.boolean() }).transform(({ BOOL }) => BOOL),
  z.strictObject({ NULL: z.literal(true) }).transform(() => null),
  z.strictObject({ L: z.array(z.unknown()) }).transform(({ L }) => L),
  z.strictObject({ M: z.record(z.string(), z.unknown()) }).transform(({ M }) => M),
]);

const ATTRIBUTE = /^(S|N|BOOL|NULL|L|M)$/;

/** Turns an attribute of DynamoDB's wire format into its value. Called by `JSON.parse`, with the innermost values first. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0 || !ATTRIBUTE.test(name)) return value;
  const parsed = attributeSchema.safeParse(value);
  return parsed.success ? parsed.data : value;
}

/** Returns an answer in DynamoDB's wire format. */
function encoded({ $metadata: _meta, ...answer }: Answer): Record<string, unknown> {
  const { Item, Items, Attributes, LastEvaluatedKey, Responses, UnprocessedKeys, ...rest } = answer;
  const all = (items: readonly Item[]) => items.map(marshalled);
  return {
    ...rest,
    ...(Item ? { Item: marshalled(Item) } : {}),
    ...(Items ? { Items: all(Items) } : {}),
    ...(Attributes ? { Attributes: marshalled(Attributes) } : {}),
    ...(LastEvaluatedKey ? { LastEvaluatedKey: marshalled(LastEvaluatedKey) } : {}),
    ...(Responses ? { Responses: mapped(Responses, all) } : {}),
    ...(UnprocessedKeys
      ? { UnprocessedKeys: mapped(UnprocessedKeys, ({ Keys, ...how }) => ({ ...how, Keys: all(Keys) })) }
      : {}),
  };
}

const mapped = <From, To>(record: Record<string, From>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]));
