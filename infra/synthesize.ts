import { App } from 'aws-cdk-lib';
import type { Bundles } from './settings/bundles.ts';
import { type StageName, stageFromContext } from './settings/config.ts';
import { FleetwrightStack } from './stacks/fleetwright-stack.ts';
import { type Template, templateSchema } from './template.ts';

/** Puts the stack of the stage that the app's context names into the app. */
export function addStack(app: App, bundles: Bundles): FleetwrightStack {
  const stage = stageFromContext((key) => app.node.tryGetContext(key));
  return new FleetwrightStack(app, `Fleetwright-${stage.name}`, { stage, bundles });
}

/**
 * The template of one stage, made in this process for whoever looks at it; code and definitions go to a folder
 * of the system's. CDK's validation of templates is left to `cdk synth`, as it takes four fifths of the time.
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
