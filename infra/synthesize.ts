import { App } from 'aws-cdk-lib';
import type { Bundles } from './settings/bundles.ts';
import { type StageName, stageFromContext } from './settings/config.ts';
import { FleetwrightStack } from './stacks/fleetwright-stack.ts';
import { type Template, templateSchema } from './template.ts';

/** Adds to the app the stack of the stage that the app's context names. */
export function addStack(app: App, bundles: Bundles): FleetwrightStack {
  const stage = stageFromContext((key) => app.node.tryGetContext(key));
  return new FleetwrightStack(app, `Fleetwright-${stage.name}`, { stage, bundles });
}

/**
 * Synthesizes the template of one stage in this process. Writes code and definitions to a temporary folder.
 * Skips CDK's validation of the template, which takes four fifths of the time. `cdk synth` validates
 * templates.
 */
export function synthesize(
  stage: StageName,
  bundles: Bundles,
  context: Readonly<Record<string, string>> = {},
): Template {
  process.env['CDK_VALIDATION'] = 'false';
  const app = new App({ context: { ...context, stage } });
  const stack = addStack(app, bundles);
  return templateSchema.parse(app.synth().getStackByName(stack.stackName).template);
}
