import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const root = join(import.meta.dirname, '../..');
const statementsSchema = z.array(
  z.object({
    Sid: z.string(),
    Effect: z.literal('Allow'),
    Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
    Condition: z.unknown().optional(),
  }),
);
const policySchema = z.object({ Version: z.literal('2012-10-17'), Statement: statementsSchema });
export type Statements = z.output<typeof statementsSchema>;

/** Reads the JSON block after a heading of docs/drivers/aws.md. */
function blockAfter(heading: string): unknown {
  const guide = readFileSync(join(root, 'docs/drivers/aws.md'), 'utf8');
  const [, text = ''] = /```json\n([\s\S]*?)```/.exec(guide.slice(guide.indexOf(`${heading}\n`))) ?? [];
  return JSON.parse(text);
}

/** Reads the statements of the policy that docs/drivers/aws.md tells users to give to the driver's role. */
export const documentedPolicy = (): Statements => policySchema.parse(blockAfter('## The policy')).Statement;

/** Reads the statements of the policy for connections whose fleets use existing networks alone. */
export function existingNetworksPolicy(): Statements {
  const kept = [
    'Look',
    'AskForPublicImages',
    'LookForTheRoleOfSpotMachines',
    'MarkThatTheDeploymentWorksHere',
    'LaunchWithOurTag',
    'LaunchFromImages',
    'NameMachinesOfBatches',
  ];
  const ofAll = documentedPolicy().filter(({ Sid }) => kept.includes(Sid));
  return [...ofAll, ...statementsSchema.parse(blockAfter('### Only existing networks'))];
}

/** Reads the statements for connections whose quotas are to be read, which are not part of the policy. */
export const quotasPolicy = (): Statements => statementsSchema.parse(blockAfter('### Quotas'));

/** Reads the statements for connections whose disks are encrypted by customers' keys. */
export const keysPolicy = (): Statements =>
  statementsSchema.parse(blockAfter("### Disks that are encrypted by a customer's key"));

/** Returns the actions that the statements allow. */
export const actionsOf = (statements: Statements): Set<string> =>
  new Set(statements.flatMap(({ Action }) => Action));
