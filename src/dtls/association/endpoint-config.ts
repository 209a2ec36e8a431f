import { type RandomSource, systemRandom } from '../../lib/random.ts';
import { type DatagramMemory, SlabMemory } from '../../udp/datagram-memory.ts';
import {
  DEFAULT_MTU,
  HANDSHAKE_TIMEOUT_MS,
  MAX_PLAINTEXT,
  MIN_MTU,
  RETRANSMIT_TIMEOUT_MS,
} from '../protocol/constants.ts';
import { nodeRecordProtection } from '../record/node-record-protection.ts';
import type { RecordProtection } from '../record/record-protection.ts';
import type { EndpointOptions } from './types.ts';

/** The options common to both sides, defaults filled in. */
export interface EndpointConfig {
  readonly memory: DatagramMemory;
  readonly protection: RecordProtection;
  readonly random: RandomSource;
  readonly keylog: ((line: string) => void) | undefined;
  readonly mtu: number;
  readonly retransmitTimeout: number;
  readonly handshakeTimeout: number;
  readonly extendedMasterSecret: boolean;
  readonly recordSizeLimit: number;
}

export function endpointConfig(options: EndpointOptions): EndpointConfig {
  return {
    memory: options.memory ?? new SlabMemory(),
    protection: options.protection ?? nodeRecordProtection,
    random: options.random ?? systemRandom,
    keylog: options.onKeylog,
    mtu: Math.max(MIN_MTU, options.mtu ?? DEFAULT_MTU),
    retransmitTimeout: options.retransmitTimeout ?? RETRANSMIT_TIMEOUT_MS,
    handshakeTimeout: options.handshakeTimeout ?? HANDSHAKE_TIMEOUT_MS,
    extendedMasterSecret: options.extendedMasterSecret ?? true,
    recordSizeLimit: Math.min(MAX_PLAINTEXT, options.recordSizeLimit ?? MAX_PLAINTEXT),
  };
}
