import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import { ALL_RIGHTS, type Rights } from '../../model/access.ts';
import { awsPrincipal, type Subject } from '../../model/binding.ts';
import type { Identity, KeyUser } from '../../model/caller.ts';
import { commonRights } from '../../model/grants.ts';
import type { TokenOutcome } from '../../platform/identity/verify-token.ts';
import { type KeyRecord, verifyApiKey } from '../../platform/store/api-keys.ts';
import { rightsOfSubjects } from '../../platform/store/bindings.ts';
import type { Store } from '../../platform/store/store.ts';
import { issuerUnreachable, unauthorized, unbound } from './problem.ts';

/** The issuer of tokens that a deployment accepts. */
export interface Tokens {
  issuer: string;
  verify(token: string): Promise<TokenOutcome>;
  /** Subject that has all rights without a binding. */
  firstAdministrator?: string | undefined;
}

/** An API key begins with `fw_`, and a JSON Web Token has three parts with dots between them. */
const IS_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * API Gateway adds this to requests that it has authorized with IAM. A client cannot send it. The type of the event has it
 * only for routes with an authorizer.
 */
const iamSchema = z.object({ authorizer: z.object({ iam: z.object({ userArn: z.string().min(1) }) }) });

/**
 * Authenticates a request: by IAM where API Gateway has done that, else by its header `Authorization: Bearer`, with an API key
 * or a token of the deployment's issuer. This is the only check of who sends a request, for all routes.
 *
 * @param tokens the issuer of tokens; undefined: the deployment accepts API keys only
 * @throws Problem 401, with one text for missing, malformed, unknown, expired and revoked keys, or with what is wrong with a
 *   token; 403 for a user without a binding; 503 if the issuer's keys cannot be read
 */
export async function authenticate(
  store: Store<'access'>,
  tokens: Tokens | undefined,
  event: APIGatewayProxyEventV2,
): Promise<Identity> {
  const iam = iamSchema.safeParse(event.requestContext).data;
  if (iam) return await identityOfArn(store, iam.authorizer.iam.userArn);
  const [, text] = /^Bearer (\S+)$/i.exec(event.headers['authorization'] ?? '') ?? [];
  if (text === undefined) throw unauthorized();
  if (tokens && IS_TOKEN.test(text)) return await identityOfToken(store, tokens, text);
  const record = await verifyApiKey(store, text);
  if (!record) throw unauthorized();
  return await identityOfKey(store, tokens, record);
}

/** A user has the rights of its bindings and of those of its groups. */
async function identityOfToken(store: Store<'access'>, tokens: Tokens, token: string): Promise<Identity> {
  const outcome = await tokens.verify(token);
  if ('refused' in outcome) throw unauthorized(outcome.refused);
  if ('unreachable' in outcome) throw issuerUnreachable(outcome.unreachable);
  const { issuer } = tokens;
  const { subject, groups, expiresAt } = outcome.user;
  const user: KeyUser = {
    // The URL of an issuer has no fragment, so that the name is unambiguous.
    actor: { kind: 'user', name: `${issuer}#${subject}` },
    subjects: [
      { kind: 'user', name: subject, issuer },
      ...groups.map((name): Subject => ({ kind: 'group', name, issuer })),
    ],
  };
  const grants = await grantsOf(store, tokens, user);
  if (grants.length === 0) throw unbound(`the user ${subject} of ${issuer}`);
  return { actor: user.actor, grants, expiresAt, user };
}

async function identityOfArn(store: Store<'access'>, arn: string): Promise<Identity> {
  const name = awsPrincipal(arn);
  const user: KeyUser = { actor: { kind: 'user', name: arn }, subjects: [{ kind: 'aws', name }] };
  const grants = await grantsOf(store, undefined, user);
  if (grants.length === 0) throw unbound(name);
  return { actor: user.actor, grants, user };
}

/** A key that a user made has at most the rights that this user has now. A user without rights has no keys. */
async function identityOfKey(
  store: Store<'access'>,
  tokens: Tokens | undefined,
  { id, role, namespaces, expiresAt, ancestors, allCaps: caps, user }: KeyRecord,
): Promise<Identity> {
  const own: Rights = { role, namespaces };
  const identity = { actor: { kind: 'key' as const, name: id }, expiresAt, caps, key: { id, ancestors } };
  if (!user) return { ...identity, grants: [own] };
  const grants = (await grantsOf(store, tokens, user)).flatMap((one) => commonRights(own, one) ?? []);
  if (grants.length === 0) throw unauthorized();
  return { ...identity, grants, user };
}

/** Returns the rights of a user. Bindings of users of another issuer than the deployment's do not count. */
async function grantsOf(
  store: Store<'access'>,
  tokens: Tokens | undefined,
  { subjects }: KeyUser,
): Promise<Rights[]> {
  const known = subjects.filter(({ kind, issuer }) => kind === 'aws' || issuer === tokens?.issuer);
  const isFirst = known.some(({ kind, name }) => kind === 'user' && name === tokens?.firstAdministrator);
  return isFirst ? [ALL_RIGHTS] : await rightsOfSubjects(store, known);
}
