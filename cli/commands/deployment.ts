import * as z from 'zod';
import { checkDeployment } from '../deployment/check.ts';
import { destroyDeployment } from '../deployment/destroy.ts';
import { STAGES } from '../deployment/find-deployment.ts';
import { command, type Flag, noun } from '../shell/command.ts';
import { usageError } from '../shell/exit.ts';

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
  command({
    name: 'destroy',
    summary:
      'Remove the deployment with all of its fleets. A command that was stopped or killed goes on when it is run again',
    flags: [
      ...WHICH,
      [
        '--confirm <name>',
        'the deployment’s name, which is the name of its stack (default: asked on a terminal)',
      ],
      ['--name <name>', 'the same as --confirm'],
      ['--dry-run', 'show what each step would do, and change nothing'],
      ['--cancel', 'let a deployment whose removal has begun accept fleets and connections again'],
      ['--forget', 'leave all machines that still run as they are, after their list is written to a file'],
      [
        '--forget-file <file>',
        'new file for that list (default: fleetwright-forgotten-<deployment>-<time>.json)',
      ],
      [
        '--forget-disks',
        'go on although disks are kept: they stay at the clouds, cost money, and no record of them is left (default: asked on a terminal)',
      ],
      ['--delete-data', 'also delete the tables that production keeps, with all records'],
      ['--timeout <seconds>', 'how long to wait for fleets and clouds (3,600)'],
    ],
    examples: [
      'deployment destroy --stage dev --dry-run --json',
      'deployment destroy --stage dev --confirm Fleetwright-dev',
      'deployment destroy --stage dev --confirm Fleetwright-dev --forget',
      'deployment destroy --stage dev --cancel',
    ],
    input: z.object({
      ...which,
      confirm: z.string().optional(),
      name: z.string().optional(),
      dryRun: z.boolean().default(false),
      cancel: z.boolean().default(false),
      forget: z.boolean().default(false),
      forgetDisks: z.boolean().default(false),
      forgetFile: z.string().min(1).optional(),
      deleteData: z.boolean().default(false),
      timeout: z.coerce.number().positive().max(604_800).default(3_600),
    }),
    run: ({ name, confirm = name, ...input }, context) => {
      if (input.forgetFile !== undefined && !input.forget)
        throw usageError('--forget-file is given without --forget', 'Give both, or neither of them.');
      return destroyDeployment(context, { ...input, confirm });
    },
  }),
]);
