import { App } from 'aws-cdk-lib';
import { bundleFunctions } from './settings/bundles.ts';
import { addStack } from './synthesize.ts';

const app = new App();
addStack(app, bundleFunctions());
app.synth();
