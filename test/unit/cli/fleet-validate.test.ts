import { describe, expect, it } from 'vitest';
import { cli, FLEET_YAML } from './world.ts';

const VALIDATIONS = 'POST /v1/namespaces/default/fleet-validations';
const VALIDATE = ['fleet', 'validate', '-f', 'fleet.yaml'];
const files = { 'fleet.yaml': FLEET_YAML };

describe('fleet validate', () => {
  it('a valid file needs no API', async () => {
    const { exitCode, stdout, asked } = await cli([...VALIDATE, '--json'], { files });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ valid: true, file: 'fleet.yaml', errors: [], warnings: [] });
    expect(asked).toEqual([]);
  });

  it('each error has its line, column, field and code', async () => {
    const text = FLEET_YAML.replace('size: 3', 'size: 0').replace(
      'instanceType: m6i.large',
      'instanceType: m6i.large\n    instanceTypes: [m6i.large]',
    );
    const { exitCode, stdout } = await cli([...VALIDATE, '--json'], { files: { 'fleet.yaml': text } });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      errors: [
        { file: 'fleet.yaml', line: 4, column: 5, pointer: '/nodeGroups/0/size', code: 'too-small' },
        { line: 7, column: 5, pointer: '/nodeGroups/0/instanceType', code: 'contradictory' },
      ],
    });
    const spoken = await cli(VALIDATE, { files: { 'fleet.yaml': text } });
    expect(spoken.stdout).toContain('Error: fleet.yaml:4:5  /nodeGroups/0/size: ');
  });

  it('a file that is not YAML has the line of the error', async () => {
    const { exitCode, stdout } = await cli([...VALIDATE, '--json'], {
      files: { 'fleet.yaml': 'name: web\nnodeGroups: [}\n' },
    });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, errors: [{ line: 2, code: 'invalid-yaml' }] });
  });

  it('a file that does not exist is wrong use, and no answer about its content', async () => {
    const { exitCode, stdout } = await cli([...VALIDATE, '--json'], { files: {} });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'wrong-use' } });
  });

  it('with --api, the errors and warnings of the API have positions in the file', async () => {
    const pointer = '/nodeGroups/1/connection';
    const refused = await cli([...VALIDATE, '--api', '--json'], {
      files,
      answers: {
        [VALIDATIONS]: {
          status: 400,
          body: {
            type: 'about:blank',
            title: 'Bad Request',
            status: 400,
            code: 'invalid-request',
            detail: 'the request has 1 error',
            requestId: 'r',
            errors: [{ pointer, code: 'unknown-connection', message: 'no such connection' }],
          },
        },
      },
    });
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      valid: false,
      errors: [{ line: 11, column: 5, pointer, code: 'unknown-connection' }],
    });
    const warned = await cli([...VALIDATE, '--api', '--json'], {
      files,
      answers: { [VALIDATIONS]: { body: { warnings: [{ pointer, code: 'mind', message: 'mind this' }] } } },
    });
    expect(warned.exitCode).toBe(0);
    expect(JSON.parse(warned.stdout)).toMatchObject({ valid: true, warnings: [{ line: 11, code: 'mind' }] });
  });
});
