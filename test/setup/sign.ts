import { createHash, createHmac } from 'node:crypto';
import { LOCAL_REGION } from '../../local/engine/environment.ts';
import type { EngineAccess } from '../../local/index.ts';

export interface Signable {
  method: string;
  /** The absolute URL of the request. */
  url: URL;
  service: string;
  body?: string | undefined;
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const queryOf = (url: URL) =>
  [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');

function scopeOf({ service }: Signable, amzDate: string): string {
  return `${amzDate.slice(0, 8)}/${LOCAL_REGION}/${service}/aws4_request`;
}

/** Computes an AWS Signature Version 4 without AWS's library. */
function signatureOf(
  access: EngineAccess,
  what: Signable,
  { amzDate, headers, payload }: { amzDate: string; headers: Record<string, string>; payload: string },
): string {
  const names = Object.keys(headers).sort();
  // For all services except S3, the escaped path is escaped a second time before it is signed.
  const path = what.service === 's3' ? what.url.pathname : what.url.pathname.split('/').map(encode).join('/');
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = [what.method, path, queryOf(what.url), lines, names.join(';'), payload].join('\n');
  const scope = scopeOf(what, amzDate);
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scope, digest(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(mac, `AWS4${access.engineSecretAccessKey}`);
  return mac(key, toSign).toString('hex');
}

const amzDateOf = (at: Date) => at.toISOString().replaceAll(/[-:]|\.\d+/g, '');

/** Returns the headers that sign a request. Like most SDKs, sends no header with the digest of the body. */
export function signedHeaders(access: EngineAccess, what: Signable): Record<string, string> {
  const amzDate = amzDateOf(new Date());
  const headers = { host: what.url.host, 'x-amz-date': amzDate };
  const signature = signatureOf(access, what, { amzDate, headers, payload: digest(what.body ?? '') });
  const credential = `${access.engineAccessKeyId}/${scopeOf(what, amzDate)}`;
  return {
    'x-amz-date': amzDate,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  };
}

/** Returns the request's URL with a signature in its query. @param at the time of the signature */
export function presignedUrl(
  access: EngineAccess,
  what: Signable,
  { at = new Date(), expiresSeconds = 60 }: { at?: Date; expiresSeconds?: number } = {},
): URL {
  const amzDate = amzDateOf(at);
  const url = new URL(what.url);
  url.searchParams.set('X-Amz-Algorithm', 'AWS4-HMAC-SHA256');
  url.searchParams.set('X-Amz-Credential', `${access.engineAccessKeyId}/${scopeOf(what, amzDate)}`);
  url.searchParams.set('X-Amz-Date', amzDate);
  url.searchParams.set('X-Amz-Expires', String(expiresSeconds));
  url.searchParams.set('X-Amz-SignedHeaders', 'host');
  const signed = { amzDate, headers: { host: url.host }, payload: 'UNSIGNED-PAYLOAD' };
  url.searchParams.set('X-Amz-Signature', signatureOf(access, { ...what, url }, signed));
  return url;
}
