/** The dependency rule of ARCHITECTURE.md. `npm run check` fails when a file breaks it. */
const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    rule(
      'no-cycles',
      'A cycle has no order in which it can be understood.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    {
      name: 'no-folder-cycles',
      severity: 'error',
      comment: 'Two folders that import each other are one, in two places. Types count, too.',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
    rule(
      'features-know-no-entry-point',
      'Entry points bind features to what calls them, and nothing imports an entry point.',
      { path: '^functions/(features|platform|drivers|model)/' },
      { path: '^functions/entrypoints/' },
    ),
    rule(
      'platform-knows-no-feature',
      'The platform is what all features stand on.',
      { path: '^functions/(platform|drivers|model)/' },
      { path: '^functions/features/' },
    ),
    rule(
      'drivers-know-no-platform',
      'The platform uses drivers, and no driver uses the platform.',
      { path: '^functions/drivers/' },
      { path: '^functions/platform/' },
    ),
    rule(
      'model-stands-alone',
      'The model imports nothing of ours, and of others only zod and the distance of two words.',
      { path: '^functions/model/' },
      { pathNot: ['^functions/model/', '^node_modules/zod/', '^node_modules/fastest-levenshtein/'] },
    ),
    rule(
      'placement-is-pure',
      'Placement, governor arithmetic and the decisions of launches and polls do no I/O.',
      {
        path: [
          '^functions/platform/placement/',
          '^functions/platform/governor/(blocks|budgets|budget-state|decide-creates|rate|rate-limits|reasons|site-state|slots)\\.ts$',
          '^functions/features/instances/next-step\\.ts$',
          '^functions/features/poller/compare\\.ts$',
        ],
      },
      {
        path: '^node_modules/(?!zod/)|^(node:)?(fs|net|http|https|child_process)$',
        dependencyTypesNot: ['type-only'],
      },
    ),
    rule(
      'drivers-know-the-model-only',
      'A driver imports the model, the contract of drivers and its own folder.',
      { path: '^functions/drivers/([^/]+)/' },
      {
        path: '^(functions|infra|cli|client|local|bench|demo)/',
        pathNot: ['^functions/model/', '^functions/drivers/contract/', '^functions/drivers/$1/'],
      },
    ),
    rule(
      'only-the-registry-imports-drivers',
      "Elsewhere a driver's SDK would get into functions that have no use for it.",
      {
        path: '^(functions|infra|cli|client)/',
        pathNot: [
          '^functions/drivers/registry\\.ts$',
          '^functions/drivers/([^/]+)/',
          '^functions/entrypoints/handlers/(drivers|_template)/',
        ],
      },
      { path: '^functions/drivers/(?!contract/)[^/]+/' },
    ),
    rule(
      'only-the-store-knows-dynamodb',
      'Tables and keys are known in one place.',
      {
        path: '^(functions|cli|client|local|demo|bench)/',
        // The AWS account's file reads quotas and deletes whole tables. It reads no item.
        pathNot: ['^functions/(platform/store|features/history)/', '^cli/shell/aws-(account|calls)\\.ts$'],
      },
      { path: '^node_modules/@aws-sdk/(client-dynamodb|lib-dynamodb|util-dynamodb)/' },
    ),
    rule(
      'infra-imports-no-handler',
      'A template is made from data, never from code that runs in Lambda.',
      { path: '^infra/' },
      { path: '\\.handler\\.ts$' },
    ),
    rule(
      'clients-go-through-the-api',
      'Clients import the model and the typed client. Only the local stack and the first API key have AWS rights.',
      {
        path: '^(cli|demo)/',
        pathNot: '^cli/shell/(local-stack|direct-access|direct-tables|stage-needs)\\.ts$',
      },
      {
        path: '^(functions|infra|local)/',
        pathNot: ['^functions/model/', '^local/index\\.ts$'],
        dependencyTypesNot: ['type-only'],
      },
    ),
    rule(
      'the-client-is-made-from-the-contract',
      'Nothing that runs in Lambda but the contract reaches a client.',
      { path: '^client/' },
      {
        path: '^functions/',
        pathNot: [
          '^functions/model/',
          '^functions/entrypoints/api/contract\\.ts$',
          '^functions/entrypoints/api/routes/',
        ],
      },
    ),
    rule(
      'functions-know-no-world',
      'What runs in Lambda knows neither the machine it is tried on nor how it is deployed.',
      { path: '^functions/' },
      { path: '^(infra|local|cli|demo|bench|test)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(cdk\\.out|\\.fleetwright)/' },
    tsPreCompilationDeps: true,
    // TypeScript 7 has no compiler API for others to parse with.
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
