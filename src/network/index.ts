export { ATTEMPT_DELAY_MS, type Dialled, dial, type HostAddresses, MAX_ATTEMPTS } from './dial.ts';
export type { Line } from './line.ts';
export { LINKS, type LinkName, type LinkQuality } from './link.ts';
export { type LookUp, systemLookUp } from './look-up.ts';
export { type LineOptions, MemoryNetwork } from './memory-network.ts';
export type { NatKind } from './nat.ts';
export { ServedStream } from './served-stream.ts';
export { systemNetwork } from './system-network.ts';
export type { DatagramWay, DatagramWayEvents, Network, TcpStream, TcpTarget } from './types.ts';
