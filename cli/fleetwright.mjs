#!/usr/bin/env node
// The installed command. This file is plain JavaScript, because the Node.js that starts it may be too old for
// main.ts. run.mjs starts main.ts on Node.js 24, which is installed as an npm dependency.
process.argv.splice(2, 0, 'cli/main.ts');
await import('../run.mjs');
