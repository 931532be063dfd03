/** Exports the local stack to the command line, the demo, benchmarks and tests. */
export { findApiUrl } from './api-url.ts';
export { type DownOptions, type DownResult, down } from './down.ts';
export { engineSettings } from './engine/access.ts';
export { LOG_PARTS, type LogLine, type LogPart, type LogsOptions, logs } from './logs.ts';
export { type OnProgress, type Step, stepLine } from './progress.ts';
export { StateFolder } from './state/folder.ts';
export type { EngineAccess, LocalStack, Outputs, SimAccess } from './state/records.ts';
export { StartFailure } from './state/start-failure.ts';
export { type PartStatus, type StackStatus, status } from './status.ts';
export { type UpOptions, type UpResult, up } from './up.ts';
