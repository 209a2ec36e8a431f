// Imports point one way. The order below is the layer order of docs/explanation/architecture.md, innermost first: a folder imports from
// itself and from the layers before its own. Folders of one layer stay apart, but for the pairs named in `neighbours`.
// A test holds this table against the folders that exist and against the documentation.
const layers = [
  ['lib', 'dashboard'],
  ['wire', 'config', 'certs', 'telemetry'],
  ['udp', 'network', 'dtls', 'tls', 'netstack', 'bearer', 'faults', 'metrics', 'capture'],
  ['entra', 'gateway', 'resources', 'services', 'client'],
  ['intune', 'admin', 'explain', 'pairing', 'load'],
  ['simulator', 'report'],
  ['world'],
  ['scenario'],
  ['testing', 'index', 'cli'],
];

/** [from, to, why]: imports between folders of one layer that are wanted. */
const neighbours = [
  ['admin', 'explain', 'what an explanation says is what its route and the other side of it say'],
  ['certs', 'telemetry', 'what happens to certificates is an event'],
  ['capture', 'tls', 'what sees the bytes of a connection is a port of its transport'],
  ['capture', 'udp', 'what sees datagrams is a port of the socket'],
  ['dtls', 'udp', 'sockets, datagram memory, and koffi loaded in one place'],
  ['faults', 'udp', "the seam for datagrams is the socket's own port"],
  ['faults', 'tls', "the seam for bytes is the transport's own port"],
  ['intune', 'pairing', 'keys and values for an app, and snippets with them, have one writer'],
  ['network', 'udp', 'a network of the machine opens the sockets of the machine'],
  ['simulator', 'report', 'a simulator packs its own report'],
];

/** Folders whose files are what their inner folders build on, and not the other way about. */
const shelves = ['lib'];

module.exports = { layers, neighbours, shelves };
