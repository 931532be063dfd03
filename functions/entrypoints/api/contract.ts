import type * as z from 'zod';
import type { Caller } from '../../model/caller.ts';
import { accessRoutes } from './routes/access.ts';
import { auditRoutes } from './routes/audit.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { connectionRoutes } from './routes/connections.ts';
import { fleetRoutes } from './routes/fleets.ts';
import { resourceRoutes } from './routes/resources.ts';
import type { Route } from './routes/route.ts';

/** Every operation of the API, as data. The code in the folder `operations` answers requests for them. */
export const routes = [
  ...accessRoutes,
  ...auditRoutes,
  ...connectionRoutes,
  ...catalogueRoutes,
  ...fleetRoutes,
  ...resourceRoutes,
] as const;

export type OperationId = (typeof routes)[number]['operationId'];
export type RouteOf<Id extends OperationId> = Extract<(typeof routes)[number], { operationId: Id }>;

type SchemaOf<R extends Route, Part extends 'body' | 'response'> =
  R extends Record<Part, infer S extends z.ZodType> ? S : never;

/** The input of an operation, after parsing, and who calls it. */
export type OperationInput<Id extends OperationId> = ParsedInput<Id> & CallerOf<Id>;

interface ParsedInput<Id extends OperationId> {
  params: z.output<RouteOf<Id>['params']>;
  query: z.output<RouteOf<Id>['query']>;
  body: [SchemaOf<RouteOf<Id>, 'body'>] extends [never] ? undefined : z.output<SchemaOf<RouteOf<Id>, 'body'>>;
  idempotencyKey: string | undefined;
  /** Seconds that the caller wants to wait. Absent: not at all. */
  waitSeconds?: number | undefined;
}

/** The caller of an operation. Absent only if the operation is not called through the API, and needs no caller. */
type CallerOf<Id extends OperationId> =
  RouteOf<Id> extends { forCaller: true } ? { caller: Caller } : { caller?: Caller };

/** The output of an operation; `undefined` if its status is 204. */
export type OperationOutput<Id extends OperationId> = [SchemaOf<RouteOf<Id>, 'response'>] extends [never]
  ? undefined
  : z.output<SchemaOf<RouteOf<Id>, 'response'>>;

/** The input that a client writes, before parsing. */
export interface ClientInput<Id extends OperationId> {
  params: z.input<RouteOf<Id>['params']>;
  query: z.input<RouteOf<Id>['query']>;
  body: [SchemaOf<RouteOf<Id>, 'body'>] extends [never] ? undefined : z.input<SchemaOf<RouteOf<Id>, 'body'>>;
}
