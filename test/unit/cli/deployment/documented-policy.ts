import { readFileSync } from 'node:fs';
import * as z from 'zod';

const listSchema = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const policySchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.strictObject({
      Sid: z.string(),
      Effect: z.literal('Allow'),
      Action: listSchema,
      Resource: listSchema,
    }),
  ),
});

/** Reads the actions of a policy in docs/operations/deployment.md, which is below the mark `<!-- policy: name -->`. */
export function documentedActions(name: string): string[] {
  const page = readFileSync(new URL('../../../../docs/operations/deployment.md', import.meta.url), 'utf8');
  const [, text = ''] =
    new RegExp(`<!-- policy: ${name} -->\\s*\`\`\`json\\n([^]*?)\n\`\`\``).exec(page) ?? [];
  const { Statement } = policySchema.parse(JSON.parse(text));
  return Statement.flatMap(({ Action }) => Action).sort();
}
