// Imports point one way. The order below is the layer order of docs/architecture.md, innermost first;
// a module may import from its own folder and from every layer before its own.
const layers = [
  ['lib'],
  ['wire', 'config', 'certs', 'telemetry'],
  ['dtls', 'netstack', 'identity', 'faults'],
  ['gateway', 'resources', 'services', 'intune', 'client'],
  ['admin', 'load'],
  ['simulator', 'index'],
  ['cli'],
];

const path = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;

const forbidden = [
  {
    name: 'no-circular',
    severity: 'error',
    comment: 'A cycle hides which way data moves.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'not-to-test',
    severity: 'error',
    from: { path: '^src' },
    to: { path: '^(test|bench|examples)/' },
  },
  {
    name: 'no-dev-dependency-in-src',
    severity: 'error',
    from: { path: '^src' },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'npm-optional', 'type-only'] },
  },
  { name: 'not-unresolvable', severity: 'error', from: { path: '^src' }, to: { couldNotResolve: true } },
];

layers.forEach((layer, index) => {
  const outer = layers.slice(index + 1).flat();
  if (outer.length > 0) {
    forbidden.push({
      name: `layer-${layer.join('-')}`,
      severity: 'error',
      comment: 'An inner layer may not know an outer one.',
      from: { path: path(layer) },
      to: { path: path(outer) },
    });
  }
});

// Siblings of one layer stay apart, except where the design says otherwise.
for (const [from, to] of [
  ['gateway', 'resources|services|intune|client'],
  ['resources', 'gateway|services|intune|client'],
  ['services', 'gateway|resources|intune|client'],
  ['intune', 'gateway|resources|services|client'],
  ['client', 'gateway|resources|services|intune'],
  ['dtls', 'netstack|identity|faults'],
  ['netstack', 'dtls|identity|faults'],
  ['identity', 'dtls|netstack|faults'],
  ['wire', 'config|certs|telemetry'],
]) {
  forbidden.push({
    name: `sibling-${from}`,
    severity: 'error',
    comment: 'These meet only at a port that simulator.ts wires.',
    from: { path: `^src/${from}(/|\\.ts$)` },
    to: { path: `^src/(${to})(/|\\.ts$)` },
  });
}

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
