import { RECEIVE_BUFFER_MAX, SEND_BUFFER_MAX, TIME_WAIT } from '../core/constants.ts';
import type { TcpOptions } from '../core/types.ts';

/** Settings of TCP, with all defaults applied. */
export interface TcpSettings {
  readonly congestion: 'cubic' | 'newreno';
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly windowScaling: boolean;
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
  readonly noDelay: boolean;
  readonly keepAlive: number;
  readonly timeWait: number;
}

/** Applies the defaults to the options. */
export function tcpSettings(options: TcpOptions): TcpSettings {
  return {
    congestion: options.congestion ?? 'cubic',
    sack: options.sack ?? true,
    timestamps: options.timestamps ?? true,
    windowScaling: options.windowScaling ?? true,
    receiveBuffer: options.receiveBuffer ?? RECEIVE_BUFFER_MAX,
    sendBuffer: options.sendBuffer ?? SEND_BUFFER_MAX,
    noDelay: options.noDelay ?? false,
    keepAlive: options.keepAlive ?? 0,
    timeWait: options.timeWait ?? TIME_WAIT,
  };
}
