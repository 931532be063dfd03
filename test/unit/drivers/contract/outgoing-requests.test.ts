import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientSettings, handlerThrough } from '../../../../functions/drivers/aws/settings.ts';
import { errorOfFailure } from '../../../../functions/drivers/contract/no-answer.ts';
import { allowedAddressesSchema } from '../../../../functions/drivers/contract/outgoing-address.ts';
import { openConnections } from '../../../../functions/drivers/contract/outgoing-connections.ts';
import { requestsThrough } from '../../../../functions/drivers/contract/outgoing-requests.ts';

let server: Server;
let port: number;
let asked: { call: string; host: string | undefined; body: string }[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      asked.push({ call: `${request.method} ${request.url}`, host: request.headers.host, body });
      if (request.url === '/moved') return void response.writeHead(302, { location: '/secret' }).end();
      if (request.url === '/empty') return void response.writeHead(204).end();
      if (request.url === '/slow') return void response.write('a part');
      response.writeHead(200, { 'x-answer': 'yes' }).end('{"answer":42}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Sends a request over connections that allow some addresses, and whose resolver answers these addresses in order. */
function sender(allowed: string, ...answers: string[][]) {
  const resolved: string[] = [];
  const connections = openConnections(allowedAddressesSchema.parse(allowed), async (hostname) => {
    resolved.push(hostname);
    const addresses = answers[Math.min(resolved.length, answers.length) - 1] ?? [];
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  });
  const send = requestsThrough(connections);
  const ask = (url: string, init?: RequestInit, signal = AbortSignal.timeout(5_000)) =>
    send(new Request(url, { redirect: 'manual', ...init }), signal);
  return { ask, resolved, connections };
}

test('a request goes to the address that was checked, with the name of the host, and the name is resolved once', async () => {
  const { ask, resolved } = sender('127.0.0.0/8', ['127.0.0.1'], ['10.0.0.1']);
  const answer = await ask(`http://cloud.example:${port}/v1`, { method: 'POST', body: '{"é":1}' });
  expect([answer.status, answer.headers.get('x-answer'), await answer.json()]).toEqual([
    200,
    'yes',
    { answer: 42 },
  ]);
  expect(asked).toEqual([{ call: 'POST /v1', host: `cloud.example:${port}`, body: '{"é":1}' }]);
  expect(resolved).toEqual(['cloud.example']);
});

test('a name with a refused address is not connected to, and the error tells how to allow it', async () => {
  const { ask } = sender('10.0.0.0/8', ['127.0.0.1']);
  const failure: unknown = await ask(`http://cloud.example:${port}/v1`).catch((error: unknown) => error);
  const error = errorOfFailure(failure, 'changes');
  expect(error).toMatchObject({ code: 'Unavailable', cloudCode: 'ADDRESS_REFUSED' });
  expect(error.message).toMatch(
    /cloud\.example has the address 127\.0\.0\.1, which is a loopback address.*AllowedAddresses/,
  );
  expect(asked).toEqual([]);
});

test('of the addresses of a name, those that are refused are left out', async () => {
  const { ask } = sender('127.0.0.1', ['10.255.255.1', '169.254.169.254', '127.0.0.1']);
  expect((await ask(`http://cloud.example:${port}/v1`)).status).toBe(200);
});

test.each([
  'http://127.0.0.1',
  'http://[::1]',
  'http://localhost',
  'http://169.254.169.254',
  'https://127.0.0.1',
])('a request to %s is refused before a connection is opened', async (origin) => {
  const { ask } = sender('10.0.0.0/8', ['127.0.0.1', '::1']);
  await expect(ask(`${origin}:${port}/v1`)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  expect(asked).toEqual([]);
});

test('an address in a URL is connected to if it is allowed', async () => {
  expect((await sender('127.0.0.1').ask(`http://127.0.0.1:${port}/v1`)).status).toBe(200);
});

test('a redirect is not followed', async () => {
  const { ask } = sender('cloud.example', ['127.0.0.1']);
  const answer = await ask(`http://cloud.example:${port}/moved`);
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/secret']);
  expect(asked).toHaveLength(1);
});

test('an answer without a body is returned, and a host without an address is not reachable', async () => {
  const { ask } = sender('cloud.example', ['127.0.0.1']);
  expect((await ask(`http://cloud.example:${port}/empty`)).status).toBe(204);
  await expect(sender('').ask('http://cloud.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('an aborted request and an aborted body reject with the reason of the signal', async () => {
  const { ask } = sender('cloud.example', ['127.0.0.1']);
  const controller = new AbortController();
  const answer = await ask(`http://cloud.example:${port}/slow`, {}, controller.signal);
  controller.abort(new DOMException('late', 'TimeoutError'));
  await expect(answer.text()).rejects.toMatchObject({ name: 'TimeoutError' });
  await expect(ask(`http://cloud.example:${port}/v1`, {}, controller.signal)).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});

test('the SDK of AWS does not connect to a refused address of an endpoint', async () => {
  const { connections } = sender('10.0.0.0/8', ['127.0.0.1']);
  const endpoint = `http://ec2.example:${port}`;
  const ec2 = new EC2Client({
    ...clientSettings('ec2', 'us-east-1', endpoint, handlerThrough(connections)),
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  });
  await expect(ec2.send(new DescribeRegionsCommand({}))).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  expect(asked).toEqual([]);
});
