/*
 * Node's `http`, loaded without `import … from 'node:http'`: such an import reads every export of the module once, and two of them
 * (`WebSocket` and its events) load Node's whole `fetch`, which costs 20 ms or more at each start.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
