/** The import boundaries of docs: training is pure, platform knows no feature, features meet only in services. */
module.exports = {
  forbidden: [
    {
      name: 'training-is-pure',
      comment: 'training/ takes arrays and files and returns numbers: no database, no GraphQL, no feature.',
      severity: 'error',
      from: { path: '^src/training' },
      to: {
        path: '^src/(?!training)|^migrations|^node_modules/(pg|pg-boss|typeorm|type-graphql|graphql|@apollo|fastify)(/|$)',
      },
    },
    {
      name: 'platform-knows-no-feature',
      severity: 'error',
      from: { path: '^src/platform' },
      to: { path: '^src/(?!platform)' },
    },
    {
      name: 'graphql-knows-no-feature',
      comment:
        'server.ts and schema.ts assemble the features; the rest of graphql/ is what features are made of.',
      severity: 'error',
      from: { path: '^src/graphql' },
      to: { path: '^src/(catalog|datasets|models|experiments|jobs|collect|use|retention|training|client)' },
    },
    {
      name: 'no-foreign-resolvers',
      comment: "A feature uses another feature's service, never its resolver.",
      severity: 'error',
      from: {
        path: '^src/(catalog|datasets|models|experiments|jobs|collect|use|retention)/',
        pathNot: '/index\\.ts$',
      },
      to: { path: '[Rr]esolver\\.ts$' },
    },
    {
      name: 'client-has-no-side-door',
      comment:
        'The command-line client and the demo speak GraphQL and HTTP only; label formats know neither side.',
      severity: 'error',
      from: { path: '^src/client' },
      to: {
        path: '^src/(catalog|datasets|models|experiments|jobs|collect|use|retention|training|graphql)',
        pathNot: '^src/datasets/formats/',
      },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
