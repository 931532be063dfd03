import { describe, expect, it } from 'vitest';
import type { RefusedQuota } from '../../../../functions/drivers/contract/quota.ts';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import {
  type ClosedQuotas,
  checkQuotas,
  closeQuota,
  familyOf,
  holdQuotas,
  openQuotas,
} from '../../../../functions/platform/governor/quotas.ts';
import { NOON, want } from './wanted.ts';

const closed = (quota: RefusedQuota | undefined, refused: Partial<WantedCreate> = {}): ClosedQuotas =>
  closeQuota({}, { wanted: want('a', refused), message: 'no more', quota }, NOON);
/** Returns what is said to a launch of another fleet. */
const said = (of: ClosedQuotas, wanted: Partial<WantedCreate> = {}) =>
  checkQuotas(of, want('b', { fleetId: 'other', ...wanted }), NOON + 1_000).kind;

describe('a used-up quota', () => {
  it('a quota of instances, addresses or of the account stops every launch of the site', () => {
    for (const subject of ['instances', 'addresses', 'account'] as const)
      expect(said(closed({ of: subject }), { instanceType: 't3.small' })).toBe('refused');
  });

  it('a quota of spot machines stops only spot machines', () => {
    expect(said(closed({ of: 'spot' }))).toBe('open');
    expect(said(closed({ of: 'spot' }), { market: 'spot' })).toBe('refused');
  });

  it('a quota of vCPUs or memory stops launches that need more than is left', () => {
    const cores = closed({ of: 'vcpus', limit: 20, used: 18, requested: 4 }, { vcpus: 4 });
    expect([4, 3, 2, 1].map((vcpus) => said(cores, { vcpus }))).toEqual([
      'refused',
      'refused',
      'open',
      'open',
    ]);
    const memory = closed({ of: 'memoryGb', limit: 50, used: 46, requested: 8 });
    expect([8, 5, 4].map((memoryGb) => said(memory, { memoryGb }))).toEqual(['refused', 'refused', 'open']);
  });

  it('a quota of vCPUs without figures stops launches that need as much as the refused launch', () => {
    const cores = closed({ of: 'vcpus' }, { vcpus: 4, quotaClass: 'Standard' });
    expect(said(cores, { vcpus: 4, quotaClass: 'Standard', instanceType: 'c7g.xlarge' })).toBe('refused');
    expect(said(cores, { vcpus: 2, quotaClass: 'Standard' })).toBe('open');
    expect(said(cores, { vcpus: 4, quotaClass: 'P' })).toBe('open');
    expect(said(cores, { vcpus: 0, quotaClass: 'Standard' })).toBe('refused');
  });

  it('a quota of volumes stops launches with a disk as large as the refused one', () => {
    const disks = closed({ of: 'volumes' }, { diskGb: 100 });
    expect([undefined, 50, 100].map((gb) => said(disks, gb === undefined ? {} : { diskGb: gb }))).toEqual([
      'open',
      'open',
      'refused',
    ]);
    expect(said(closed({ of: 'volumes' }))).toBe('refused');
  });

  it('a request that is too big by itself, and a refusal of one request alone, close nothing', () => {
    expect(closed({ of: 'memoryGb', limit: 200, used: 5, requested: 976 }, { memoryGb: 976 })).toEqual({});
    expect(closed({ of: 'vcpus', limit: 32 }, { vcpus: 96, quotaClass: 'Standard' })).toEqual({});
    expect(closed({ of: 'family', limit: 50, requested: 64 })).toEqual({});
    expect(closed({ of: 'networks' })).toEqual({});
    const alone = { wanted: want('a'), message: 'no', isAlone: true };
    expect(closeQuota({}, alone, NOON)).toEqual({});
  });

  it('a batch that is larger than the quota of instances closes it, and so does a limit of 0', () => {
    expect(said(closed({ of: 'instances', limit: 5, used: 0, requested: 12 }))).toBe('refused');
    expect(said(closed({ of: 'vcpus', limit: 0 }, { quotaClass: 'P' }), { quotaClass: 'P' })).toBe('refused');
  });

  it('a refusal without a request names the fleet whose request met the quota, after the words of the cloud', () => {
    const quotas = closed({ of: 'instances' });
    expect(checkQuotas(quotas, want('b', { fleetId: 'other' }), NOON)).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^no more \(a request of fleet f met this quota, .*T12:00:00/),
    });
    expect(checkQuotas(quotas, want('b'), NOON)).toEqual({
      kind: 'refused',
      message: 'no more',
      of: 'instances',
    });
  });

  it('a later round of any fleet asks immediately, once for each round', () => {
    const quotas = closed({ of: 'instances' });
    const asked = checkQuotas(quotas, want('b', { fleetId: 'other', round: 2 }), NOON + 1_000);
    expect(asked.kind).toBe('probe');
    const again = closeQuota(
      asked.kind === 'probe' ? asked.closed : {},
      { wanted: want('b', { fleetId: 'other', round: 2 }), message: 'still', quota: { of: 'instances' } },
      NOON + 2_000,
    );
    expect(said(again, { round: 2 })).toBe('refused');
    expect(said(again, { round: 3 })).toBe('probe');
    expect(said(again, { hasFreed: true })).toBe('probe');
  });

  it('a launch probes all quotas that stop it, and the others wait for it', () => {
    const two = { ...closed({ of: 'instances' }), ...closed({ of: 'vcpus' }) };
    const answer = checkQuotas(two, want('b', { fleetId: 'other', round: 2 }), NOON + 1_000);
    const now = answer.kind === 'probe' ? answer.closed : {};
    expect(Object.values(now).map(({ probe }) => probe?.instanceId)).toEqual(['b', 'b']);
    expect(checkQuotas(now, want('c', { round: 2 }), NOON + 1_000).kind).toBe('waits');
    expect(checkQuotas(now, want('b', { fleetId: 'other', round: 2 }), NOON + 2_000).kind).toBe('probe');
  });

  it('an accepted create opens the quotas that would have stopped it, and no others', () => {
    const cores = closed({ of: 'vcpus', limit: 20, used: 18 }, { vcpus: 4 });
    expect(openQuotas(cores, want('b', { vcpus: 2 }))).toBe(cores);
    expect(openQuotas(cores, want('b', { vcpus: 4 }))).toEqual({});
  });

  it('launches whose machines exceeded a quota ask one after the other, also after one of them was accepted', () => {
    const freed = want('b', { hasFreed: true });
    const other = want('c', { hasFreed: true });
    const asked = checkQuotas(closed({ of: 'instances' }), freed, NOON);
    const probing = asked.kind === 'probe' ? asked.closed : {};
    expect(checkQuotas(probing, other, NOON + 1_000).kind).toBe('waits');
    const held = holdQuotas(probing, freed, NOON + 1_000);
    expect(checkQuotas(held, other, NOON + 5_000).kind).toBe('waits');
    expect(checkQuotas(held, other, NOON + 6_000).kind).toBe('probe');
    expect(holdQuotas(held, other, NOON + 2_000)).toBe(held);
  });

  it('a quota that was closed more than an hour ago is closed again by a new refusal', () => {
    const lateMs = NOON + 2 * 3_600_000;
    const again = closeQuota(
      closed({ of: 'instances' }),
      { wanted: want('a'), message: 'x', quota: { of: 'instances' } },
      lateMs,
    );
    expect(checkQuotas(again, want('b'), lateMs + 1_000).kind).toBe('refused');
  });
});

it.each([
  ['m6i.large', 'm6i'],
  ['n2-standard-4', 'n2-standard'],
  ['ecs.g7.large', 'ecs.g7'],
  ['Standard_D4s_v3', 'Standard_Ds_v3'],
  ['Standard_D16s_v3', 'Standard_Ds_v3'],
  ['Standard_B2ms', 'Standard_Bms'],
  ['small', 'small'],
])('the family of %s is %s', (type, family) => {
  expect(familyOf(type)).toBe(family);
});
