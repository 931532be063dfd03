import { z } from 'zod';
import { checkDeployment } from '../deployment/check.ts';
import { STAGES } from '../deployment/find-deployment.ts';
import { command, type Flag, noun } from '../shell/command.ts';

const MAX_SIZE = 1_000_000;

const WHICH: readonly Flag[] = [
  ['--stage <stage>', `${STAGES.join(', ')} (default: the only deployment of the region, else dev)`],
  ['--stack <name>', 'name of the stack, if it is not Fleetwright-<stage>'],
];
const which = {
  stage: z.enum(STAGES).optional(),
  stack: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'must be the name of a CloudFormation stack')
    .optional(),
};

const CHECK = {
  summary: 'Check the AWS account before a deploy, and the deployment after it, with your AWS rights',
  flags: [...WHICH, ['--size <count>', 'number of instances that are created together (1,000)']] as const,
  input: z.object({ ...which, size: z.coerce.number().int().min(1).max(MAX_SIZE).default(1_000) }),
};

/** `fleetwright doctor`, another name of `fleetwright deployment check`. */
export const doctorCommand = command({
  ...CHECK,
  name: 'doctor',
  summary: `${CHECK.summary}. The same as \`deployment check\``,
  examples: ['doctor', 'doctor --stage production --json'],
  run: (input, { world }) => checkDeployment(world, input),
});

export const deploymentNoun = noun('deployment', 'The deployment itself, with your AWS rights', [
  command({
    ...CHECK,
    name: 'check',
    examples: ['deployment check --stage production', 'deployment check --size 10000 --json'],
    run: (input, { world }) => checkDeployment(world, input),
  }),
]);
