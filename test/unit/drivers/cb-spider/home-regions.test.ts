import { describe, expect, it } from 'vitest';
import { HomeRegions } from '../../../../functions/drivers/cb-spider/home-regions.ts';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';

const refusal = (message: string) =>
  new DriverError('Unauthorized', message, { answered: true, cloudCode: '500', call: 'POST /vm' });
const EC2 = refusal('AuthFailure: AWS was not able to validate the provided access credentials');

/** @param answer the code with which the home region refuses; undefined: it accepts the credential */
function homeWith(answer?: DriverErrorCode) {
  const asked: number[] = [];
  const clock = { nowMs: 0, now: () => clock.nowMs, wakeIn: () => () => {} };
  const home = new HomeRegions(clock, async () => {
    asked.push(clock.nowMs);
    if (answer) throw new DriverError(answer, 'no');
  });
  return { home, asked, clock };
}

describe('HomeRegions', () => {
  it('an AuthFailure of one location is Forbidden if the home region accepts the credential', async () => {
    const { home } = homeWith();
    expect(await home.judge(EC2)).toMatchObject({
      code: 'Forbidden',
      scope: 'site',
      message: EC2.message,
      call: 'POST /vm',
      answered: true,
    });
  });

  it('an AuthFailure stays Unauthorized if the home region refuses the credential as well', async () => {
    expect(await homeWith('Unauthorized').home.judge(EC2)).toBe(EC2);
  });

  it.each(['Unavailable', 'NoPermit'] as const)(
    'an AuthFailure is Forbidden if the home region answers %s, because nothing then speaks against the credential',
    async (code) => {
      expect(await homeWith(code).home.judge(EC2)).toMatchObject({ code: 'Forbidden' });
    },
  );

  it('words that only a wrong credential causes need no call to the home region', async () => {
    const { home, asked } = homeWith();
    for (const words of ['Code=AuthFailure.SecretIdNotFound', 'InvalidClientTokenId: no']) {
      const wrong = refusal(words);
      expect(await home.judge(wrong)).toBe(wrong);
    }
    expect(asked).toEqual([]);
  });

  it('refusals within a minute share one call to the home region', async () => {
    const { home, asked, clock } = homeWith();
    await Promise.all([home.judge(EC2), home.judge(EC2)]);
    clock.nowMs = 59_000;
    await home.judge(EC2);
    clock.nowMs = 61_000;
    await home.judge(EC2);
    expect(asked).toEqual([0, 61_000]);
  });
});
