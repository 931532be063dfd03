import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { resourcesOf } from '../../infra/template.ts';
import { deployed, grantsOf, nameOf, templateOf } from './synthesized.ts';

const template = templateOf('production');
const folder = join(import.meta.dirname, '../../state-machines');
const files = globSync('*.asl.json', { cwd: folder }).map((file) => basename(file, '.asl.json'));

const propertiesSchema = z.object({
  RoleArn: z.unknown(),
  DefinitionSubstitutions: z.record(z.string(), z.unknown()).default({}),
  LoggingConfiguration: z.object({ Level: z.string(), IncludeExecutionData: z.boolean() }),
});

const machines = new Map(
  resourcesOf(template, 'AWS::StepFunctions::StateMachine').map(([id, { Properties }]) => [
    nameOf(id),
    propertiesSchema.parse(Properties),
  ]),
);

function machineOf(file: string) {
  const machine = machines.get(`Workflows${file.replaceAll('-', '')}Machine`);
  if (!machine) throw new Error(`no state machine is made from ${file}`);
  const text = readFileSync(join(folder, `${file}.asl.json`), 'utf8');
  const tokens = [...new Set([...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? ''))];
  return { machine, text, tokens, grants: grantsOf(template, machine.RoleArn) };
}

it('every definition of a state machine is deployed', () => {
  expect(files.length).toBe(machines.size);
});

describe.each(files)('workflow %s', (file) => {
  const { machine, text, tokens, grants } = machineOf(file);

  it(`workflow ${file} is deployed with exactly the substitutions that its definition contains`, () => {
    expect(Object.keys(machine.DefinitionSubstitutions).sort()).toEqual(tokens.sort());
  });

  it(`workflow ${file} may invoke the functions that its substitutions name`, () => {
    for (const [token, value] of Object.entries(machine.DefinitionSubstitutions)) {
      if (token === 'Partition') continue;
      expect(grants[deployed(template, value)], token).toContain('lambda:InvokeFunction');
    }
  });

  it(`workflow ${file} has the permissions that its service integrations need`, () => {
    const integrations = new Set(
      [...text.matchAll(/"arn:\$\{Partition\}:states:::([\w:.]+)"/g)].map((match) => match[1]),
    );
    expect(integrations.size).toBeGreaterThan(0);
    const actions = Object.values(grants).flat();
    const needs: Record<string, string[]> = {
      'lambda:invoke': ['lambda:InvokeFunction'],
      'sqs:sendMessage.waitForTaskToken': ['sqs:SendMessage'],
    };
    for (const integration of integrations) {
      const needed = needs[integration ?? ''];
      expect(needed, `${integration} is not known to this test`).toBeDefined();
      expect(actions).toEqual(expect.arrayContaining(needed ?? []));
    }
  });

  it(`workflow ${file} logs only errors, without execution data`, () => {
    expect(machine.LoggingConfiguration).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
  });
});

it('no ARN in a template or in a definition of a state machine names a partition of AWS', () => {
  const texts = [
    ...files.map((file) => readFileSync(join(folder, `${file}.asl.json`), 'utf8')),
    ...(['dev', 'production'] as const).map((stage) => JSON.stringify(templateOf(stage))),
  ];
  for (const text of texts) expect(text.match(/arn:aws[\w-]*:[^"]*/g) ?? []).toEqual([]);
});

it('each state machine gets its partition from CloudFormation', () => {
  for (const [name, { DefinitionSubstitutions }] of machines) {
    expect(DefinitionSubstitutions['Partition'], name).toEqual({ Ref: 'AWS::Partition' });
  }
});
