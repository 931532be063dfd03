import * as z from 'zod';
import { dataDiskSchema, rootDiskSchema } from '../../functions/model/disk.ts';
import { issueErrors } from '../../functions/model/issue-text.ts';

const FORM = 'must be a list such as size=100,type=gp3,iops=3000,throughput=125,encrypted,key=NAME';
const NUMBERS = { size: 'sizeGb', iops: 'iops', throughput: 'throughputMbps' } as const;
const TEXTS = { type: 'type', key: 'encryptionKeyId' } as const;

/** Describes the values of the flags `--root-disk` and `--data-disk`. */
export const DISK_FORM =
  'size=GB,type=NAME,iops=NUMBER,throughput=MBPS,encrypted,key=NAME; leave out what is not needed';

type Fields = Readonly<Record<string, string | number | boolean>>;

/** Reads the parts of a disk, separated by commas. @returns the fields, or the part that is wrong */
function fieldsOf(text: string): Fields | { wrong: string } {
  const fields: Record<string, string | number | boolean> = {};
  for (const part of text.split(',')) {
    const [, name = '', value] = /^([a-z]+)(?:=(.+))?$/.exec(part) ?? [];
    const number = Object.entries(NUMBERS).find(([flag]) => flag === name)?.[1];
    const named = Object.entries(TEXTS).find(([flag]) => flag === name)?.[1];
    if (number !== undefined && value !== undefined && /^\d+$/.test(value)) fields[number] = Number(value);
    else if (named !== undefined && value !== undefined) fields[named] = value;
    else if (name === 'encrypted' && value === undefined) fields['encrypted'] = true;
    else if (name === 'keep' && value === undefined) fields['deleteOnTermination'] = false;
    else return { wrong: part };
  }
  return fields;
}

/** Returns a schema that reads a disk from a text and checks it with `schema`. */
const diskOf = <S extends z.ZodType>(schema: S) =>
  z.string().transform((text, context): z.output<S> => {
    const fields = fieldsOf(text);
    if ('wrong' in fields) {
      context.addIssue({ code: 'custom', message: `${FORM}; ${JSON.stringify(fields.wrong)} is wrong` });
      return z.NEVER;
    }
    const parsed = schema.safeParse(fields);
    if (parsed.success) return parsed.data;
    for (const { path, message } of issueErrors(parsed.error, schema, fields)) {
      context.addIssue({ code: 'custom', message: `${path.join('.')} ${message}`.trim() });
    }
    return z.NEVER;
  });

/** Reads the value of `--root-disk`. */
export const rootDiskInput = diskOf(rootDiskSchema).optional();

/** Reads the values of `--data-disk`, each of which may have `keep`. */
export const dataDisksInput = z.array(diskOf(dataDiskSchema)).default([]);
