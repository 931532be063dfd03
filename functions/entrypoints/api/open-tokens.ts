import { openConnections } from '../../drivers/contract/outgoing-connections.ts';
import { requestsThrough } from '../../drivers/contract/outgoing-requests.ts';
import { openVerifier } from '../../platform/identity/verify-token.ts';
import { systemClock } from '../../platform/runtime/clock.ts';
import type { Env } from '../../platform/runtime/env.ts';
import type { Tokens } from './authenticate.ts';

export const TOKEN_ENV = [
  'OIDC_ISSUER',
  'OIDC_AUDIENCE',
  'OIDC_SUBJECT_CLAIM',
  'OIDC_GROUPS_CLAIM',
  'FIRST_ADMINISTRATOR',
  'ALLOWED_ADDRESSES',
] as const;

/**
 * Opens what checks tokens in one API function. Called once per process. @returns undefined if the deployment accepts no
 * tokens
 *
 * @throws Error if there is an issuer without an audience: tokens that were made for other services would be accepted
 */
export function openTokens(env: Env<(typeof TOKEN_ENV)[number]>): Tokens | undefined {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = env;
  if (issuer === '') return undefined;
  if (audience === '') throw new Error('OIDC_AUDIENCE is empty: set the parameter OidcAudience');
  const settings = {
    issuer,
    audience,
    subjectClaim: env.OIDC_SUBJECT_CLAIM,
    groupsClaim: env.OIDC_GROUPS_CLAIM,
  };
  const send = requestsThrough(openConnections(env.ALLOWED_ADDRESSES));
  return {
    issuer,
    verify: openVerifier(settings, send, systemClock),
    firstAdministrator: env.FIRST_ADMINISTRATOR || undefined,
  };
}
