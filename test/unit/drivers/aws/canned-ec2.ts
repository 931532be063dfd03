import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsClient } from '../../../../functions/drivers/aws/client.ts';
import type { BatchCreate, Reboot, StopStart } from '../../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient } from '../../../../functions/drivers/contract/driver.ts';
import type { Credential } from '../../../../functions/model/connection.ts';
import { openGate } from '../../../calls/gates.ts';
import { awsDriver } from '../../../samples/drivers.ts';

/** The answer to a call; `hang-up` closes the connection without an answer. */
export type Canned = { status: number; body: string; headers?: Record<string, string> } | 'hang-up';

export interface CannedEc2 {
  url: string;
  /**
   * Parameters of each call, in order. A call to SSM is recorded with its action as `Action` and its body as
   * `json`.
   */
  calls: URLSearchParams[];
  close(): Promise<void>;
}

/**
 * Starts a server that answers each call with the result of `answer`. Tests use the server for answers that
 * no simulator of EC2 can give.
 */
export async function cannedEc2(answer: (call: URLSearchParams) => Canned): Promise<CannedEc2> {
  const calls: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const target = request.headers['x-amz-target'];
    const call =
      typeof target === 'string'
        ? new URLSearchParams({ Action: target.slice(target.indexOf('.') + 1), json: body })
        : new URLSearchParams(body);
    calls.push(call);
    const canned = answer(call);
    if (canned === 'hang-up') {
      request.socket.destroy();
      return;
    }
    response.writeHead(canned.status, { 'content-type': 'text/xml', ...canned.headers }).end(canned.body);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    close: async () => {
      server.closeAllConnections();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

/** Returns an error in EC2's format. */
export function refusal(status: number, code: string, message = `${code} it is`): Canned {
  return {
    status,
    body: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
  };
}

export function page(action: string, inner = ''): Canned {
  return {
    status: 200,
    body: `<?xml version="1.0"?><${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>${inner}</${action}Response>`,
  };
}

export const KEYS: Credential = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-to-be-told' };
export const DEPLOYMENT = 'test-deployment';

export function connect(
  endpoint: string,
  credential: Credential = KEYS,
): CloudClient & BatchCreate & Reboot & StopStart {
  const client = awsDriver.connect({
    cloud: 'aws',
    credential,
    endpoint,
    deploymentId: DEPLOYMENT,
    calls: openGate,
  });
  if (!(client instanceof AwsClient)) throw new TypeError('not a client of driver aws');
  return client;
}
