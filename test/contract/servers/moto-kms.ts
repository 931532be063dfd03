import * as z from 'zod';

/** The keys of the suite, by the name of their alias: one that EBS can use, and others that it cannot. */
const KEYS = {
  'alias/fleets': {},
  'alias/disabled': {},
  'alias/signs': { KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256' },
} as const;

const madeSchema = z.object({ KeyMetadata: z.object({ KeyId: z.string() }) });

/** Makes the suite's encryption keys in a region of moto. */
export async function makeKeys(url: string, region: string): Promise<void> {
  for (const [AliasName, options] of Object.entries(KEYS)) {
    const { KeyId } = madeSchema.parse(await askKms(url, region, 'CreateKey', options)).KeyMetadata;
    await askKms(url, region, 'CreateAlias', { AliasName, TargetKeyId: KeyId });
    if (AliasName === 'alias/disabled') await askKms(url, region, 'DisableKey', { KeyId });
  }
}

async function askKms(url: string, region: string, action: string, body: object): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDSUITE/20260101/${region}/kms/aws4_request`,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `TrentService.${action}`,
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`moto answered ${answer.status} to ${action}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
