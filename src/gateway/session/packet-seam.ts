import {
  type DatagramDirection,
  type DatagramGate,
  type DatagramPlace,
  endpointOf,
  type PassingDatagram,
} from '../../udp/index.ts';
import { tooBigMessage } from '../../wire/icmp-too-big.ts';

/** Bytes before a packet to the client that its channel may overwrite. */
const HEADROOM = 16;

/** Packets in a tunnel have no remote endpoint of their own: rules see the client. */
const NOBODY = endpointOf('0.0.0.0', 0);

/** The session of the packets. */
interface PacketOwner {
  readonly id: string;
  /** The open tunnel, which processes packets from the client and sends packets to it. */
  readonly tunnel:
    | {
        take(buffer: Buffer, offset: number, length: number): void;
        /** The 16 bytes before `offset` may be overwritten. */
        put(buffer: Buffer, offset: number, length: number): boolean;
      }
    | undefined;
  handOn(buffer: Buffer, offset: number, length: number): void;
}

/** What it needs from the gateway. */
interface PacketSurroundings {
  /** The gateway's address in the tunnel. */
  gatewayAddress(version: 4 | 6): Buffer | undefined;
  /** Passed-on packets must be processed now: no batch in progress would do it. */
  onBatchEnd(): void;
}

/**
 * Where fault rules see the IP packets of one session, after they leave its channels and before they enter them. A delayed packet uses the
 * tunnel that is open when it continues, as if the client had sent it then.
 */
export class PacketSeam implements DatagramPlace {
  readonly #owner: PacketOwner;
  readonly #around: PacketSurroundings;
  readonly endpoint = endpointOf;

  constructor(owner: PacketOwner, around: PacketSurroundings) {
    this.#owner = owner;
    this.#around = around;
  }

  /** True: the packet continues now, with its current content. */
  passes(gate: DatagramGate, direction: DatagramDirection, buffer: Buffer, offset: number, length: number): boolean {
    return gate.pass({ direction, buffer, offset, length, remote: NOBODY, session: this.#owner.id }, this);
  }

  later(direction: DatagramDirection, bytes: Buffer): void {
    if (direction === 'in') {
      this.#owner.tunnel?.take(bytes, 0, bytes.length);
      this.#around.onBatchEnd();
    } else this.#toClient(bytes);
  }

  tooBig({ direction, buffer, offset, length }: PassingDatagram, mtu: number): void {
    const packet = buffer.subarray(offset, offset + length);
    const message = tooBigMessage(packet, mtu, (version) => this.#around.gatewayAddress(version));
    if (message === undefined) return;
    if (direction === 'in') this.#toClient(message);
    // Not while the stack is sending: it must first finish with the packet that caused this.
    else queueMicrotask(() => this.#toNetwork(message));
  }

  #toNetwork(packet: Buffer): void {
    if (this.#owner.tunnel === undefined) return;
    this.#owner.handOn(packet, 0, packet.length);
    this.#around.onBatchEnd();
  }

  #toClient(packet: Buffer): void {
    const buffer = Buffer.allocUnsafe(HEADROOM + packet.length);
    packet.copy(buffer, HEADROOM);
    this.#owner.tunnel?.put(buffer, HEADROOM, packet.length);
  }
}
