/*
 * Node's `http`, without what `import … from 'node:http'` brings along: such an import reads every export of the module once, and
 * two of them (`WebSocket` and its events) load Node's whole `fetch`, which costs 20 ms or more at each start.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
