/**
 * Exports the typed client of the API. Code that calls the API imports only this file and the schemas in
 * `functions/model`.
 */
export { ApiProblem, ApiUnreachable, type FieldError, UnexpectedAnswer } from './api-problem.ts';
export { type CallInput, type CallOptions, type Client, type ClientOptions, createClient } from './client.ts';
export { eachItem } from './each-item.ts';
