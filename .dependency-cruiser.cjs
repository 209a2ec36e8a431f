// Imports point one way. The order below is the layer order of docs/architecture.md, innermost first: a folder imports from
// itself and from the layers before its own. Folders of one layer stay apart, but for the pairs named in `neighbours`.
// A test holds this table against the folders that exist and against the documentation.
const layers = [
  ['lib'],
  ['wire', 'config', 'certs', 'telemetry'],
  ['udp', 'dtls', 'netstack', 'bearer', 'faults'],
  ['entra', 'gateway', 'resources', 'services', 'client'],
  ['intune', 'admin'],
  ['simulator'],
  ['index', 'cli'],
];

/** [from, to, why]: imports between folders of one layer that are wanted. */
const neighbours = [
  ['certs', 'telemetry', 'what happens to certificates is an event'],
  ['dtls', 'udp', 'datagram memory, and koffi loaded in one place'],
  ['faults', 'udp', "the seam for datagrams is the socket's own port"],
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
