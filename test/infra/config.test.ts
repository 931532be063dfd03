import { describe, expect, it } from 'vitest';
import { STAGE_NAMES, stageFromContext } from '../../infra/settings/config.ts';

const read = (context: Record<string, unknown>) => stageFromContext((key) => context[key]);

describe('stageFromContext', () => {
  it('the stage is dev if the context names no stage', () => {
    expect(read({}).name).toBe('dev');
  });

  it('only the stage local allows endpoint overrides', () => {
    const allowed = STAGE_NAMES.filter((stage) => read({ stage }).allowEndpointOverride);
    expect(allowed).toEqual(['local']);
  });

  it('dev and production have the drivers that make machines, and `sim` only if the context adds it', () => {
    for (const stage of ['dev', 'production']) {
      expect(read({ stage }).drivers).toEqual(['aws', 'openstack', 'cb-spider']);
      expect(read({ stage, drivers: 'sim' }).drivers).toEqual(['sim', 'aws', 'openstack', 'cb-spider']);
      expect(read({ stage, drivers: 'aws' }).drivers).toEqual(read({ stage }).drivers);
    }
    expect(read({ stage: 'local' }).drivers).toEqual(['sim', 'aws', 'openstack', 'cb-spider']);
  });

  it('the context may set the level of alarms and turn on tracing', () => {
    expect(read({})).toMatchObject({ alarms: 'essential', tracing: false });
    expect(read({ alarms: 'all', tracing: 'true' })).toMatchObject({ alarms: 'all', tracing: true });
    expect(read({ stage: 'production', alarms: 'none' })).toMatchObject({ alarms: 'none' });
  });

  it('a setting that is a CloudFormation parameter is refused in the context, with the name of the parameter', () => {
    expect(() => read({ alarmEmail: 'ops@example.com' })).toThrow('--parameters AlarmEmail=');
    expect(() => read({ deploymentId: 'acme-prod' })).toThrow('--parameters ChosenDeploymentId=');
  });

  it('the error about an invalid context names all invalid values of the context', () => {
    expect(() => read({ stage: 'prod', drivers: 'aws,azure', alarms: 'some', tracing: 'yes' })).toThrow(
      /-c stage: .*-c drivers\.1: .*-c alarms: .*-c tracing: /,
    );
  });
});
