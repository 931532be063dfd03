import * as z from 'zod';
import {
  type AuditData,
  type AuditEntry,
  type AuditTarget,
  auditEntrySchema,
} from '../../model/audit-entry.ts';
import { plainText } from '../../model/plain-text.ts';
import { DEPLOYMENT_LOG, logOf, refOf } from './audit-keys.ts';

/**
 * Maximum size of an entry's fields as JSON, in bytes. JSON is longer than what DynamoDB counts. With its keys and its
 * expiry, an entry is below 1 KB, so that writing it takes one write unit.
 */
export const MAX_ENTRY_BYTES = 850;
/** Maximum sizes of texts, in bytes of UTF-8. Names of users' issuers and subjects are the longest ones of actors. */
const MAX_NAME = 100;
const MAX_ACTOR = 200;
const MAX_USER_AGENT = 120;
const MAX_WORD = 60;
const MAX_FACT = 100;

/** The fields that an entry's item has. Its keys have the others. */
export type EntryFields = Omit<AuditEntry, 'id' | 'at' | 'namespace'>;

const fieldsSchema = auditEntrySchema.omit({ id: true, at: true, namespace: true });
const itemSchema = fieldsSchema.extend({ pk: z.string(), sk: z.string() });

/** Returns the entry of an item of a log. */
export function parseEntry(item: unknown): AuditEntry {
  const { pk, sk, ...fields } = itemSchema.parse(item);
  const log = logOf(pk);
  return { ...refOf(sk), ...(log === DEPLOYMENT_LOG ? {} : { namespace: log }), ...fields };
}

/**
 * Returns the fields as they are stored: texts are one line without control characters, and long ones are cut. If the fields
 * are still too large together, further facts and the user agent are left out.
 */
export function fitted(entry: EntryFields): EntryFields {
  const { type, actor, target, result, code, requestId, source, data } = entry;
  const small: EntryFields = {
    type,
    actor: { kind: actor.kind, name: oneLine(actor.name, MAX_ACTOR) },
    target: fittedTarget(target),
    result,
    ...(code === undefined ? {} : { code: oneLine(code, MAX_WORD) }),
    ...(requestId === undefined ? {} : { requestId: oneLine(requestId, MAX_WORD) }),
    ...(source === undefined ? {} : { source: { ip: oneLine(source.ip, MAX_WORD) } }),
  };
  const userAgent = source?.userAgent;
  const told: EntryFields =
    userAgent === undefined || small.source === undefined
      ? small
      : { ...small, source: { ...small.source, userAgent: oneLine(userAgent, MAX_USER_AGENT) } };
  const whole: EntryFields = data === undefined ? told : { ...told, data: fittedData(data) };
  return [whole, told].find((one) => bytesOf(one) <= MAX_ENTRY_BYTES) ?? small;
}

const bytesOf = (fields: EntryFields): number => Buffer.byteLength(JSON.stringify(fields));

function fittedTarget({ kind, name, id }: AuditTarget): AuditTarget {
  return {
    kind,
    ...(name === undefined ? {} : { name: oneLine(name, MAX_NAME) }),
    ...(id === undefined ? {} : { id: oneLine(id, MAX_NAME) }),
  };
}

function fittedData(data: AuditData): AuditData {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      typeof value === 'string' ? oneLine(value, MAX_FACT) : value,
    ]),
  );
}

/** Returns a text as one line that is safe to print. A longer one is cut, and ends with `…`. */
export function oneLine(text: string, maxBytes: number): string {
  const line = plainText(text, maxBytes);
  if (Buffer.byteLength(line) <= maxBytes) return line;
  const kept = Buffer.from(line).subarray(0, maxBytes - Buffer.byteLength('…'));
  return `${kept.toString('utf8').replace(/\ufffd+$/, '')}…`;
}
