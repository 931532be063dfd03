import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { MAX_REQUEST_BYTES } from '../../model/fleet-request.ts';
import { Problem } from './problem.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Returns the text of a request's JSON body.
 *
 * @throws Problem 413 for a body that is too large, 415 for other media types or encodings, 400 for bytes
 *   that are not UTF-8
 */
export function bodyText(
  event: Pick<APIGatewayProxyEventV2, 'headers' | 'body' | 'isBase64Encoded'>,
): string {
  requireJson(event.headers['content-type'] ?? '');
  const encoding = event.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem(
      'unsupported-media-type',
      'the Content-Encoding is not supported: send the body without this header',
    );
  }
  const raw = event.body ?? '';
  const encodedIn = event.isBase64Encoded ? 'base64' : 'utf8';
  const size = Buffer.byteLength(raw, encodedIn);
  if (size > MAX_REQUEST_BYTES)
    throw new Problem('body-too-large', `the body has ${size} bytes; send at most ${MAX_REQUEST_BYTES}`);
  if (!event.isBase64Encoded && !raw.isWellFormed()) throw notUtf8();
  const bytes = Buffer.from(raw, encodedIn);
  try {
    return decoder.decode(bytes);
  } catch {
    throw notUtf8();
  }
}

/** Requires JSON in UTF-8 (RFC 8259). Text in another charset would be decoded into wrong characters. */
function requireJson(contentType: string): void {
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((one) => one.startsWith('charset='))?.slice('charset='.length);
  const isUtf8 = charset === undefined || /^"?(utf-8|utf8|us-ascii)"?$/.test(charset);
  if (type === 'application/json' && isUtf8) return;
  throw new Problem(
    'unsupported-media-type',
    'the Content-Type is not supported: send the body as application/json in UTF-8',
  );
}

function notUtf8(): Problem {
  return new Problem('malformed-json', 'the body is not valid UTF-8', {
    errors: [{ pointer: '', code: 'invalid-text', message: 'must be UTF-8' }],
  });
}
