import { describe, expect, it } from 'vitest';
import { STAGE_NAMES, stageFromContext } from '../../infra/settings/config.ts';

const read = (context: Record<string, unknown>) => stageFromContext((key) => context[key]);

describe('stageFromContext', () => {
  it('is dev when the context names no stage', () => {
    expect(read({}).name).toBe('dev');
  });

  it('allows endpoint overrides in the local stage alone', () => {
    const allowed = STAGE_NAMES.filter((stage) => read({ stage }).allowEndpointOverride);
    expect(allowed).toEqual(['local']);
  });

  it('takes a deployment id and an address for alarms', () => {
    const stage = read({ stage: 'production', deploymentId: 'acme-prod', alarmEmail: 'ops@example.com' });
    expect(stage).toMatchObject({ deploymentId: 'acme-prod', alarmEmail: 'ops@example.com', keepData: true });
  });

  it('names every context value that is wrong', () => {
    expect(() => read({ stage: 'prod', deploymentId: 'A!', alarmEmail: 'no address' })).toThrow(
      /-c stage: .*-c deploymentId: .*-c alarmEmail: /,
    );
  });
});
