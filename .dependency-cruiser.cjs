const { layers, neighbours, shelves } = require('./scripts/layers.cjs');

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
    name: 'no-folder-cycle',
    severity: 'error',
    comment: 'Folders that need each other are one folder.',
    scope: 'folder',
    from: { path: '^src/' },
    to: { circular: true },
  },
  // Two rules for folders in folders, since a folder that holds another counts as one with it above.
  {
    name: 'root-composes',
    severity: 'error',
    comment: 'The files beside the folders put them together; the folders know nothing of them.',
    from: { path: '^src/([^/]+)/[^/]+/', pathNot: path(shelves) },
    to: { path: '^src/$1/[^/]+\\.ts$' },
  },
  {
    name: 'root-is-built-on',
    severity: 'error',
    comment: 'The files of a shelf stand by themselves; its folders build on them.',
    from: { path: `^src/(${shelves.join('|')})/[^/]+\\.ts$` },
    to: { path: '^src/$1/[^/]+/' },
  },
  {
    name: 'parent-composes',
    severity: 'error',
    comment: 'The same one level down.',
    from: { path: '^src/([^/]+/[^/]+)/[^/]+/' },
    to: { path: '^src/$1/[^/]+\\.ts$' },
  },
  {
    name: 'source-alone',
    severity: 'error',
    comment: 'What ships needs nothing that does not.',
    from: { path: '^src' },
    to: { path: '^(test|bench|examples|scripts)/' },
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
  for (const folder of layer) {
    const apart = layer.filter(
      (other) => other !== folder && !neighbours.some(([from, to]) => from === folder && to === other),
    );
    if (outer.length > 0) {
      forbidden.push({
        name: `layer-${folder}`,
        severity: 'error',
        comment: 'An inner layer may not know an outer one.',
        from: { path: path([folder]) },
        to: { path: path(outer) },
      });
    }
    if (apart.length > 0) {
      forbidden.push({
        name: `sibling-${folder}`,
        severity: 'error',
        comment: 'Folders of one layer meet only at ports that the simulator wires.',
        from: { path: path([folder]) },
        to: { path: path(apart) },
      });
    }
  }
});

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
