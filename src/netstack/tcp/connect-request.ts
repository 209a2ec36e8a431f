import {
  type IpFamily,
  type RefuseWith,
  type TcpConnectOptions,
  type TcpConnectRequest,
  type TcpFlow,
  TcpState,
} from '../core/types.ts';
import type { Connection } from './connection.ts';
import { sendSegment } from './emit.ts';
import { closeTcb } from './lifecycle.ts';
import { ACK, RST } from './sequence.ts';
import { TcpEvent } from './tcp-state.ts';

/** Sends an ICMP error about the packet that carried the SYN. */
export type Unreachable = (how: Exclude<RefuseWith, 'reset'>) => void;

/** A SYN that awaits the application's decision: accept, refuse or drop. Only the first call has an effect. */
export class ConnectRequest implements TcpConnectRequest {
  readonly #tcb: Connection;
  readonly #unreachable: Unreachable;

  constructor(tcb: Connection, unreachable: Unreachable) {
    this.#tcb = tcb;
    this.#unreachable = unreachable;
  }

  get owner(): object | undefined {
    return this.#tcb.party.owner;
  }
  get family(): IpFamily {
    return this.#tcb.family;
  }
  get localAddress(): string {
    return this.#tcb.localAddress;
  }
  get localPort(): number {
    return this.#tcb.localPort;
  }
  get remoteAddress(): string {
    return this.#tcb.remoteAddress;
  }
  get remotePort(): number {
    return this.#tcb.remotePort;
  }

  accept(options: Pick<TcpConnectOptions, 'noDelay'> = {}): TcpFlow {
    this.#tcb.acceptOpen(options.noDelay);
    return this.#tcb;
  }

  refuse(how: RefuseWith = 'reset'): void {
    const tcb = this.#tcb;
    if (tcb.state !== TcpState.Listen) return;
    const { counters } = tcb.host;
    counters.tcpRefused++;
    if (how === 'reset') {
      counters.tcpResetsOut++;
      sendSegment(tcb, 0, tcb.rcvNxt, RST | ACK, 0, 0, 0);
    } else {
      this.#unreachable(how);
    }
    closeTcb(tcb, TcpEvent.Abort, 'reset-local');
  }

  drop(): void {
    const tcb = this.#tcb;
    if (tcb.state !== TcpState.Listen) return;
    tcb.host.counters.tcpDropped++;
    closeTcb(tcb, TcpEvent.Abort, 'reset-local');
  }
}
