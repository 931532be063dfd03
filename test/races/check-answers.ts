import * as z from 'zod';
import type { OperationOutput } from '../../functions/entrypoints/api/contract.ts';
import { verifyApiKey } from '../../functions/platform/store/api-keys.ts';
import { Process } from '../chaos/ground/process.ts';
import {
  connectionsOf,
  fleetsOf,
  liveFleets,
  namespacesOf,
  secretInForce,
} from '../chaos/invariants/check-access.ts';
import type { Lab } from '../chaos/world/lab.ts';
import type { Answer, Outcome } from './answer.ts';
import type { MutatingId } from './moves.ts';
import { FIRST_SECRET, MAIN, ONE, type Situation, TEAM, WEB } from './situation.ts';

export interface Race {
  situation: Situation;
  answers: readonly Answer[];
  /** An API key that the race created before its requests. */
  apiKey: OperationOutput<'createApiKey'>;
}

const credentialSchema = z.object({ apiKey: z.string() });
const idSchema = z.object({ id: z.string() });
const instanceSchema = z.object({ fleetId: z.string() });

/**
 * Checks that the state after the race agrees with the API's answers. The effect of a request may be missing
 * if another request of the race could undo it.
 *
 * @returns the violations
 */
export async function checkAnswers(lab: Lab, race: Race): Promise<string[]> {
  return [
    ...race.answers
      .filter(({ outcome }) => outcome === 'broken')
      .map(({ move, code }) => `${move.name} ended with an error that is not an answer of the API: ${code}`),
    ...checkNamespace(lab, race),
    ...checkConnection(lab, race),
    ...checkSecret(lab, race),
    ...checkSettings(lab, race),
    ...checkFleet(lab, race),
    ...checkInstance(lab, race),
    ...(await checkApiKeys(lab, race)),
  ];
}

const which = (answers: readonly Answer[], id: MutatingId, ...outcomes: Outcome[]) =>
  answers.filter(({ move, outcome }) => move.id === id && outcomes.includes(outcome));
const asked = (answers: readonly Answer[], ...ids: MutatingId[]) =>
  answers.filter(({ move }) => ids.includes(move.id));

/**
 * How often a namespace, connection, fleet or instance with one name was created and deleted, and whether it
 * existed before and after the race.
 */
interface Lives {
  what: string;
  wasThere: boolean;
  isThere: boolean;
  made: number;
  deleted: number;
  /** Number of create and delete requests whose outcome the user does not know. */
  unknown: number;
}

function checkLives({ what, wasThere, isThere, made, deleted, unknown }: Lives): string[] {
  const before = wasThere ? 1 : 0;
  const counted = `${before} before the race, ${made} made, ${deleted} deleted, ${unknown} with unknown outcome`;
  return [
    ...(made > 1 - before + deleted + unknown ? [`${what} was made too often: ${counted}`] : []),
    ...(isThere && made + unknown === 0 && (!wasThere || deleted > 0)
      ? [`${what} exists, but should not: ${counted}`]
      : []),
    ...(!isThere && deleted + unknown === 0 && (wasThere || made > 0)
      ? [`${what} does not exist, but should: ${counted}`]
      : []),
  ];
}

function checkNamespace(lab: Lab, { situation, answers }: Race): string[] {
  return checkLives({
    what: `namespace ${TEAM}`,
    wasThere: situation.namespace === 'there',
    isThere: namespacesOf(lab).includes(TEAM),
    made: which(answers, 'createNamespace', 'done').length,
    deleted: which(answers, 'deleteNamespace', 'done').length,
    unknown: asked(answers, 'createNamespace', 'deleteNamespace').filter(isUnknown).length,
  });
}

const isUnknown = ({ outcome }: Answer) => outcome === 'unknown';

function mainOf(lab: Lab) {
  return connectionsOf(lab).find((one) => one.namespace === TEAM && one.name === MAIN);
}

function checkConnection(lab: Lab, { situation, answers }: Race): string[] {
  const wasThere = situation.connection !== 'absent';
  const made = which(answers, 'createConnection', 'done').length;
  const deleted = which(answers, 'deleteConnection', 'done').length;
  const unknown = asked(answers, 'createConnection', 'deleteConnection').filter(isUnknown).length;
  const creates = asked(answers, 'createConnection');
  const isFree = !wasThere && deleted + unknown === 0 && creates.length > 0;
  const others = creates.filter(({ code }) => code !== undefined && code !== 'name-taken');
  return [
    ...checkLives({
      what: `connection ${MAIN}`,
      wasThere,
      isThere: mainOf(lab) !== undefined,
      made,
      deleted,
      unknown,
    }),
    ...(isFree && others.length === 0 && made !== 1
      ? [`${made} of ${creates.length} creates of one connection were answered 201, not exactly 1`]
      : []),
  ];
}

/**
 * Checks that the secret in use was set by a request of the race, or before the race. The secret from before
 * the race must not be in use after a deletion or a finished rotation of the connection.
 */
function checkSecret(lab: Lab, { answers }: Race): string[] {
  const main = mainOf(lab);
  const kept = main && secretInForce(lab, main);
  if (kept === undefined) return [];
  const secret = credentialSchema.parse(JSON.parse(kept)).apiKey;
  const deleted = which(answers, 'deleteConnection', 'done').length > 0;
  const given = [
    ...which(answers, 'createConnection', 'done', 'unknown'),
    ...which(answers, 'rotateCredential', 'done', 'unknown'),
  ].map((one) => one.secret);
  const isFirst = secret === FIRST_SECRET && !deleted;
  if (!isFirst && !given.includes(secret))
    return [`the secret ${secret} is in use, but no request of the race set it`];
  const rotated = which(answers, 'rotateCredential', 'done').length;
  const isReady = main?.status === 'Ready' || main?.status === 'Disabled';
  return rotated > 0 && !deleted && isReady && secret === FIRST_SECRET && main?.rotation === undefined
    ? [`${rotated} rotations were accepted, but the first secret ${secret} is still in use`]
    : [];
}

function checkSettings(lab: Lab, { situation, answers }: Race): string[] {
  const main = mainOf(lab);
  const isReplaced = asked(answers, 'deleteConnection', 'createConnection').some(
    ({ outcome }) => outcome === 'done' || outcome === 'unknown',
  );
  if (!main || isReplaced) return [];
  const violations: string[] = [];
  const check = (id: MutatingId, pick: (answer: Answer) => number | undefined, now: number | undefined) => {
    const known = asked(answers, id).some(isUnknown) ? [] : which(answers, id, 'done');
    if (known.length > 0 && !known.some((one) => pick(one) === now))
      violations.push(`${id} was answered 200, but the value in use is ${now}`);
  };
  check('setLimits', (one) => one.concurrentLocations, main.limits?.concurrentLocations ?? undefined);
  check('setOrphanPolicy', (one) => one.graceSeconds, main.orphans?.graceSeconds);
  const disabled = which(answers, 'disableConnection', 'done').length;
  const enabled = which(answers, 'enableConnection', 'done').length;
  const unknown = asked(answers, 'disableConnection', 'enableConnection').filter(isUnknown).length;
  const wasDisabled = situation.connection === 'disabled';
  if (unknown > 0) return violations;
  if (main.status !== 'Disabled' && enabled === 0 && (wasDisabled || disabled > 0))
    violations.push(`the connection was disabled, but is ${main.status}`);
  if (main.status === 'Disabled' && disabled === 0 && (!wasDisabled || enabled > 0))
    violations.push('the connection is disabled, but no request disabled it');
  return violations;
}

const REMOVING = new Set(['deleteFleet', 'actOnFleet withdraw']);

function checkFleet(lab: Lab, { situation, answers }: Race): string[] {
  const creates = which(answers, 'createFleet', 'done');
  const ids = new Set(creates.map(({ body }) => idSchema.parse(body).id));
  const known = new Set(fleetsOf(lab).map(({ fleetId }) => fleetId));
  const removals = answers.filter(({ move }) => REMOVING.has(move.name));
  const byKey = Map.groupBy(
    asked(answers, 'createFleet').filter(({ idempotencyKey }) => idempotencyKey !== undefined),
    ({ idempotencyKey, size }) => `${idempotencyKey} ${size}`,
  );
  return [
    ...checkLives({
      what: `fleet ${WEB}`,
      wasThere: situation.fleet !== 'absent',
      isThere: liveFleets(lab).some(({ name }) => name === WEB),
      made: ids.size,
      deleted: removals.filter(({ outcome }) => outcome === 'done').length,
      unknown: [...removals, ...asked(answers, 'createFleet')].filter(isUnknown).length,
    }),
    ...[...ids].filter((id) => !known.has(id)).map((id) => `fleet ${id} was accepted, but does not exist`),
    ...[...byKey.values()].flatMap(checkReplays),
  ];
}

/** Checks that all answered requests with the same idempotency key and body had the same outcome. */
function checkReplays(answers: readonly Answer[]): string[] {
  const done = answers.filter(({ outcome }) => outcome === 'done');
  const ids = new Set(done.map(({ body }) => idSchema.parse(body).id));
  if (ids.size > 1)
    return [`requests with one idempotency key were answered with ${ids.size} fleets, not with one`];
  const odd = answers.filter(({ code }) => code === 'name-taken');
  return done.length > 0 && odd.length > 0
    ? [`one idempotency key was answered with a fleet ${done.length} times, but refused ${odd.length} times`]
    : [];
}

function checkInstance(lab: Lab, { situation, answers }: Race): string[] {
  const ids = new Set(
    which(answers, 'createInstance', 'done').map(({ body }) => instanceSchema.parse(body).fleetId),
  );
  return checkLives({
    what: `instance ${ONE}`,
    wasThere: situation.instance === 'running',
    isThere: liveFleets(lab).some(({ name }) => name === ONE),
    made: ids.size,
    deleted: which(answers, 'deleteInstance', 'done').length,
    unknown: asked(answers, 'createInstance', 'deleteInstance').filter(isUnknown).length,
  });
}

const keySchema = z.object({ key: z.string() });

async function checkApiKeys(lab: Lab, { answers, apiKey }: Race): Promise<string[]> {
  const store = lab.tables.storeOf(new Process('reader', lab.ground, 0));
  const isAccepted = async (key: string) => (await verifyApiKey(store, key)) !== undefined;
  const made = which(answers, 'createApiKey', 'done').map(({ body }) => keySchema.parse(body).key);
  const refused = await Promise.all(made.map(async (key) => !(await isAccepted(key))));
  const revoked = which(answers, 'revokeApiKey', 'done').length;
  const unknown = which(answers, 'revokeApiKey', 'unknown').length;
  const isFirstAccepted = await isAccepted(apiKey.key);
  return [
    ...refused.filter(Boolean).map(() => 'an API key that a request of the race created is refused'),
    ...(isFirstAccepted && revoked > 0 ? ['the API key of the race was revoked, but is still accepted'] : []),
    ...(!isFirstAccepted && revoked + unknown === 0
      ? ['the API key of the race is refused, but no request revoked it']
      : []),
  ];
}
