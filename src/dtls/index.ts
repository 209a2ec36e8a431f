/**
 * DTLS 1.2 (RFC 6347) for Node.js, without the need for native code: `tunnelite/dtls`.
 *
 * `createServer` and `connect` come with a UDP socket. `DtlsServer` and `DtlsClient` are the engines alone: datagrams
 * and time in, datagrams and plaintext out.
 */

export { type DatagramMemory, SlabMemory } from '../udp/datagram-memory.ts';
export type * from './association/types.ts';
export { DtlsClient } from './client.ts';
export { type ConnectOptions, connect, type DtlsEnd, type DtlsSocket } from './connect.ts';
export { type CreateServerOptions, createServer, type DtlsListener } from './create-server.ts';
export { EngineTimer } from './engine-timer.ts';
export { certificateIdentity } from './handshake/certificate-identity.ts';
export { CIPHER_SUITES, type CipherSuite, type CipherSuiteName, cipherSuite } from './protocol/cipher-suites.ts';
export { nodeRecordProtection } from './record/node-record-protection.ts';
export type { RecordKeys, RecordOpener, RecordProtection, RecordSealer } from './record/record-protection.ts';
export { DtlsServer } from './server.ts';
