import * as z from 'zod';
import { pause, stack } from '../e2e/deployed.ts';
import { signedHeaders } from '../setup/sign.ts';

const functionsSchema = z.object({
  Functions: z.array(z.object({ FunctionName: z.string(), Description: z.string() })),
});
const mappingsSchema = z.object({
  EventSourceMappings: z.array(z.object({ UUID: z.string(), FunctionArn: z.string() })),
});
const CONSUMER = 'QueuessimConsumer';

/**
 * Invokes a function of the app as its schedule does, and waits for its end.
 *
 * @param entry path of the function's entry point, for example `schedules/reconcile`
 */
export async function invoke(entry: string): Promise<void> {
  const { Functions } = functionsSchema.parse(await lambda('GET', 'functions/?MaxItems=100'));
  const found = Functions.find(
    ({ Description }) => Description === `functions/entrypoints/handlers/${entry}`,
  );
  if (!found) throw new Error(`the app has no function ${entry}`);
  await lambda('POST', `functions/${found.FunctionName}/invocations`, {});
}

/**
 * Enables or disables the delivery of the driver's queue to its function. Running invocations continue for a
 * moment.
 */
export async function deliver(enabled: boolean): Promise<void> {
  const { EventSourceMappings } = mappingsSchema.parse(await lambda('GET', 'event-source-mappings/'));
  const found = EventSourceMappings.find(({ FunctionArn }) => FunctionArn.includes(CONSUMER));
  if (!found) throw new Error('the driver has no event source mapping');
  await lambda('PUT', `event-source-mappings/${found.UUID}`, { Enabled: enabled });
  if (!enabled) await pause(1_000);
}

async function lambda(method: string, path: string, body?: unknown): Promise<unknown> {
  const url = new URL(`${stack.engineUrl}/2015-03-31/${path}`);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(url, {
    method,
    headers: {
      'content-type': 'application/json',
      ...signedHeaders(stack, { method, url, service: 'lambda', body: text }),
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const reply = await answer.text();
  if (!answer.ok || answer.headers.has('x-amz-function-error')) {
    throw new Error(`${method} ${path}: ${answer.status} ${reply}`);
  }
  return reply === '' ? undefined : JSON.parse(reply);
}
