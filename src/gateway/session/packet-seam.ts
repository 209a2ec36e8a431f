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

/** Packets in a tunnel have no remote end of their own: rules see whom they are for. */
const NOBODY = endpointOf('0.0.0.0', 0);

/** The session whose packets pass. */
interface PacketOwner {
  readonly id: string;
  /** The tunnel that is up: what has come from the client is taken, what is for it is put in. */
  readonly tunnel:
    | {
        take(buffer: Buffer, offset: number, length: number): void;
        /** The 16 bytes before `offset` may be overwritten. */
        put(buffer: Buffer, offset: number, length: number): boolean;
      }
    | undefined;
  handOn(buffer: Buffer, offset: number, length: number): void;
}

/** What is around it. */
interface PacketSurroundings {
  /** The gateway's address in the tunnel. */
  gatewayAddress(version: 4 | 6): Buffer | undefined;
  /** What was handed on has to be dealt with now: no batch is under way that would end. */
  onBatchEnd(): void;
}

/**
 * Where fault rules see the IP packets of one session, as they come out of its channels and before they go in. What comes late finds the
 * tunnel that the session has by then, and is judged as if it came from the client then.
 */
export class PacketSeam implements DatagramPlace {
  readonly #owner: PacketOwner;
  readonly #around: PacketSurroundings;
  readonly endpoint = endpointOf;

  constructor(owner: PacketOwner, around: PacketSurroundings) {
    this.#owner = owner;
    this.#around = around;
  }

  /** True: the packet goes on now, as it is then. */
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
    // Not while the stack is sending: it has to be done with the packet that this is about.
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
