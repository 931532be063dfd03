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

  it('the stage has the deployment id and the alarm address that the context states', () => {
    const stage = read({ stage: 'production', deploymentId: 'acme-prod', alarmEmail: 'ops@example.com' });
    expect(stage).toMatchObject({ deploymentId: 'acme-prod', alarmEmail: 'ops@example.com', keepData: true });
  });

  it('the error about an invalid context names all invalid values of the context', () => {
    expect(() => read({ stage: 'prod', deploymentId: 'A!', alarmEmail: 'no address' })).toThrow(
      /-c stage: .*-c deploymentId: .*-c alarmEmail: /,
    );
  });
});
