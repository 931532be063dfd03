import { errors, type JWTPayload, jwtVerify } from 'jose';
import * as z from 'zod';
import type { SendRequest } from '../../drivers/contract/outgoing-requests.ts';
import type { Clock } from '../runtime/clock.ts';
import { IssuerUnreachable, keysOfIssuer } from './issuer-keys.ts';

/** The issuer whose tokens a deployment accepts, and what the deployment reads of a token. */
export interface TokenSettings {
  issuer: string;
  audience: string;
  /** Claim with the name of the user, such as `sub`. */
  subjectClaim: string;
  /** Claim with the names of the user's groups, such as `groups`. */
  groupsClaim: string;
}

/** Who a token is about. */
export interface TokenUser {
  subject: string;
  groups: readonly string[];
  /** ISO 8601. */
  expiresAt: string;
}

export type TokenOutcome =
  | { user: TokenUser }
  /** What is wrong with the token. The text repeats nothing of it. */
  | { refused: string }
  | { unreachable: IssuerUnreachable };

/** Algorithms with a public key. A shared secret, or no signature, is never accepted. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Tolerated difference between the clocks of the issuer and of the function. */
const CLOCK_SKEW_SECONDS = 30;
/** Maximum number of groups of a user. Each is looked up at each request. */
export const MAX_GROUPS = 200;

const nameSchema = z.string().min(1).max(600);
const groupsSchema = z.union([nameSchema.transform((one) => [one]), z.array(nameSchema)]);

/** Returns a function that verifies tokens: signature, issuer, audience, expiry, and "not before". */
export function openVerifier(
  settings: TokenSettings,
  send: SendRequest,
  clock: Clock,
): (token: string) => Promise<TokenOutcome> {
  const keys = keysOfIssuer(settings.issuer, send, clock);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: settings.issuer,
        audience: settings.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_SKEW_SECONDS,
        requiredClaims: ['exp'],
        currentDate: new Date(clock.now()),
      });
      return userOf(payload, settings);
    } catch (error) {
      if (error instanceof IssuerUnreachable) return { unreachable: error };
      if (error instanceof errors.JOSEError) return { refused: reasonOf(error) };
      throw error;
    }
  };
}

function userOf(payload: JWTPayload, { subjectClaim, groupsClaim }: TokenSettings): TokenOutcome {
  const subject = nameSchema.safeParse(payload[subjectClaim]);
  if (!subject.success) return { refused: `has no claim ${subjectClaim} that names a user` };
  const groups = groupsSchema.safeParse(payload[groupsClaim] ?? []);
  if (!groups.success) return { refused: `has a claim ${groupsClaim} that is no list of names` };
  if (groups.data.length > MAX_GROUPS)
    return { refused: `has more than ${MAX_GROUPS} groups: let the issuer write fewer into it` };
  return {
    user: {
      subject: subject.data,
      groups: groups.data,
      expiresAt: new Date((payload.exp ?? 0) * 1_000).toISOString(),
    },
  };
}

const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'is of another issuer',
  aud: 'is for another audience',
  nbf: 'is not valid yet',
  exp: 'has no time of expiry',
};

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? 'has a wrong claim';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is not signed with an accepted algorithm';
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed with a key that its issuer does not have';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'has a wrong signature';
  return 'is no valid JSON Web Token';
}
