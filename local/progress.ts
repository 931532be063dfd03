/** A finished step, for example the start of the engine. */
export interface Step {
  /** For example `Engine started (MiniStack 1.5.33, port 4566)`. */
  text: string;
  seconds: number;
}

export type OnProgress = (step: Step) => void;

/** Runs a step and reports its duration. Calls `text` after the step has ended. */
export async function step<T>(
  onProgress: OnProgress,
  work: () => Promise<T>,
  text: (result: T) => string,
): Promise<T> {
  const startedMs = performance.now();
  const result = await work();
  onProgress({ text: text(result), seconds: (performance.now() - startedMs) / 1_000 });
  return result;
}

/** Formats a step: `  4.2 s  Engine started` */
export function stepLine({ text, seconds }: Step): string {
  return `${seconds.toFixed(1).padStart(6)} s  ${text}`;
}
