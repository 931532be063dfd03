import { describe, expect, it } from 'vitest';
import {
  fleetCreatedAtMs,
  fleetIdSchema,
  instanceId,
  launchToken,
  makeFleetId,
  parseInstanceId,
} from '../../../functions/model/identifiers.ts';

describe('identifiers', () => {
  const nowMs = Date.UTC(2031, 4, 6, 7, 8, 9, 123);

  it('a fleet id contains the fleet’s creation time, and fleet ids sort by that time', () => {
    const early = makeFleetId(nowMs, () => 0.999);
    const late = makeFleetId(nowMs + 1, () => 0);
    expect(fleetIdSchema.safeParse(early).success).toBe(true);
    expect(fleetCreatedAtMs(early)).toBe(nowMs);
    expect(early < late).toBe(true);
  });

  it('an instance id contains the id of the fleet and the position of the instance', () => {
    const fleetId = makeFleetId(nowMs, () => 0.5);
    const id = instanceId({ fleetId, index: 42 });
    expect(parseInstanceId(id)).toEqual({ fleetId, index: 42 });
    expect(launchToken(id, 1)).toBe(`${id}.1`);
    expect(parseInstanceId('i-0123')).toBeUndefined();
  });
});
