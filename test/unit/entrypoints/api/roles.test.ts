import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../../../functions/entrypoints/api/contract.ts';
import {
  ABSENT,
  AccessMatrix,
  CASES,
  decisionOf,
  nameOf,
  OTHERS,
  OWN,
  wantedDecision,
} from './access-matrix.ts';
import { type Answered, InProcessApi } from './any-input/api.ts';

const api = new InProcessApi();
const matrix = new AccessMatrix(api);

beforeAll(async () => {
  await api.open();
  await matrix.open();
});
afterAll(() => api.close());

describe('what each role may do in each namespace', () => {
  it.each(routes.map((route) => [route.operationId, route] as const))(
    '%s is allowed to callers with the role that it needs, in their own namespaces, and to no others',
    async (_id, route) => {
      for (const one of CASES) {
        for (const namespace of [OWN, OTHERS]) {
          const answer = await matrix.ask(route, one, namespace);
          const wanted = wantedDecision(route, one, namespace);
          expect(decisionOf(answer, namespace), `${nameOf(one)}, ${namespace}`).toBe(wanted);
        }
      }
    },
  );

  it.each(routes.map((route) => [route.operationId, route] as const))(
    '%s answers 401 to a caller without a key',
    async (_id, route) => {
      expect((await matrix.ask(route, undefined, OWN)).status).toBe(401);
    },
  );

  it.each(
    routes
      .filter(({ path }) => path.includes('{namespace}'))
      .map((route) => [route.operationId, route] as const),
  )(
    '%s answers alike for the namespace of others and for a namespace that does not exist',
    async (_id, route) => {
      for (const one of CASES.filter(({ namespaces }) => !namespaces.includes('*'))) {
        const [theirs, none] = [await matrix.ask(route, one, OTHERS), await matrix.ask(route, one, ABSENT)];
        const text = (answer: Answered, name: string) => JSON.stringify(answer).replaceAll(name, 'NAMESPACE');
        expect(theirs.status).toBe(404);
        expect(text(theirs, OTHERS)).toBe(text(none, ABSENT));
      }
    },
  );
});
