import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import { forward, type ProxiedRequest, type ProxiedResponse, readBody } from '../fault-proxy/exchange.ts';
import { type Json, jsonSchema } from '../state-machines/interpreter/definition.ts';
import type { StartFault } from './path.ts';

/** What the test decides about the interpreter's calls. */
export interface Decisions {
  /** Answers in a Lambda function's place. @throws Error of the function, or of Lambda if the name begins with `Lambda.` */
  invoke(name: string, payload: Json): Json;
  /** Returns true if the queue refuses the message. */
  refusesMessage(body: string): boolean;
  faultOf(start: { machineArn: string; name: string; input: string }): StartFault | undefined;
  /** Called if a call cannot be answered. The interpreter sees it fail. */
  failed(error: unknown): void;
}

export interface FrontDoor {
  port: number;
  /** Names the server that answers everything that the test does not decide. */
  leadTo(url: string): void;
  close(): Promise<void>;
}

const INVOCATION = /^\/2015-03-31\/functions\/([^/]+)\/invocations/;
const startSchema = z.object({ stateMachineArn: z.string(), name: z.string(), input: z.string() });
const messageSchema = z.object({ MessageBody: z.string() });

/**
 * Opens the endpoint at which moto's interpreter calls AWS. Lambda functions are stubs: the test answers in their place.
 * Messages and starts of executions go to moto, unless the test refuses them.
 */
export async function openFrontDoor(decisions: Decisions): Promise<FrontDoor> {
  let upstream: URL | undefined;
  const pass = async (asked: ProxiedRequest): Promise<ProxiedResponse> => {
    if (!upstream) throw new Error('the interpreter made a call before moto had started');
    return await forward(upstream, asked);
  };
  const server = createServer((request, response) => {
    answer(request, response, decisions, pass).catch((error: unknown) => {
      decisions.failed(error);
      response.writeHead(500).end();
    });
  });
  server.listen(0, '127.0.0.1');
  const listening = Promise.withResolvers<void>();
  server.once('listening', listening.resolve);
  server.once('error', listening.reject);
  await listening.promise;
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the front door has no port');
  return {
    port: address.port,
    leadTo: (url) => {
      upstream = new URL(url);
    },
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  decisions: Decisions,
  pass: (asked: ProxiedRequest) => Promise<ProxiedResponse>,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const asked = { upstream: 'moto', method, path: url, headers, body: await readBody(request) };
  const { status, headers: answered, body } = await decide(asked, decisions, pass);
  // AWS names each request. The interpreter fails without this header, and moto does not always send it.
  const head = { 'x-amzn-requestid': randomUUID(), ...answered, 'content-length': body.length };
  response.writeHead(status, head).end(body);
}

async function decide(
  asked: ProxiedRequest,
  decisions: Decisions,
  pass: (asked: ProxiedRequest) => Promise<ProxiedResponse>,
): Promise<ProxiedResponse> {
  const [, called] = INVOCATION.exec(asked.path) ?? [];
  if (called !== undefined) return invoke(decodeURIComponent(called), asked.body, decisions);
  const target = asked.headers['x-amz-target'];
  if (target === 'AmazonSQS.SendMessage') {
    const { MessageBody } = messageSchema.parse(JSON.parse(asked.body.toString()));
    if (decisions.refusesMessage(MessageBody)) return refusal('InternalError');
  }
  if (target !== 'AWSStepFunctions.StartExecution') return await pass(asked);
  const start = startSchema.parse(JSON.parse(asked.body.toString()));
  const { stateMachineArn: machineArn, name, input } = start;
  const fault = decisions.faultOf({ machineArn, name, input });
  if (!fault) return await pass(asked);
  if ('input' in fault) {
    const body = Buffer.from(JSON.stringify({ ...start, input: JSON.stringify(fault.input) }));
    return await pass({ ...asked, body });
  }
  if (fault.started) await pass(asked);
  return refusal(fault.code);
}

function invoke(arn: string, body: Buffer, decisions: Decisions): ProxiedResponse {
  const answerWith = (value: Json, headers: Record<string, string> = {}): ProxiedResponse => ({
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  });
  try {
    const payload = jsonSchema.parse(JSON.parse(body.toString()));
    return answerWith(decisions.invoke(arn.split(':').at(-1) ?? '', payload));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new TypeError(String(error));
    if (name.startsWith('Lambda.')) return refusal(name.slice('Lambda.'.length));
    return answerWith({ errorType: name, errorMessage: message }, { 'x-amz-function-error': 'Unhandled' });
  }
}

/** Returns the answer with which an AWS service refuses a call. */
function refusal(code: string): ProxiedResponse {
  return {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': code },
    body: Buffer.from(JSON.stringify({ __type: code, message: 'refused by the test' })),
  };
}
