/** Exports the typed client of the API. A client of Fleetwright imports only this and the model. */
export { ApiProblem, ApiUnreachable, type FieldError, UnexpectedAnswer } from './api-problem.ts';
export { type CallInput, type CallOptions, type Client, type ClientOptions, createClient } from './client.ts';
export { eachItem } from './each-item.ts';
