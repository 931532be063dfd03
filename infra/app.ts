import { App } from 'aws-cdk-lib';
import { bundleFunctions } from './bundles.ts';
import { stageFromContext } from './config.ts';
import { FleetwrightStack } from './stacks/fleetwright-stack.ts';

const app = new App();
const stage = stageFromContext((key) => app.node.tryGetContext(key));
new FleetwrightStack(app, `Fleetwright-${stage.name}`, { stage, bundles: bundleFunctions() });
app.synth();
