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

/** The session whose packets pass. What comes late finds the tunnel that it has by then. */
interface PacketOwner {
  readonly id: string;
  /** As if it came from the client now: its source is judged. */
  receiveLate(packet: Buffer): void;
  /** To the client; the 16 bytes before `offset` may be overwritten. */
  deliverLate(buffer: Buffer, offset: number, length: number): void;
  /** To the network behind, from the gateway itself. */
  handOnLate(packet: Buffer): void;
  /** The gateway's address in the tunnel. */
  gatewayAddress(version: 4 | 6): Buffer | undefined;
}

/** Where fault rules see the IP packets of one session, as they come out of its channels and before they go in. */
export class PacketSeam implements DatagramPlace {
  readonly #owner: PacketOwner;
  readonly endpoint = endpointOf;

  constructor(owner: PacketOwner) {
    this.#owner = owner;
  }

  /** True: the packet goes on now, as it is then. */
  passes(gate: DatagramGate, direction: DatagramDirection, buffer: Buffer, offset: number, length: number): boolean {
    return gate.pass({ direction, buffer, offset, length, remote: NOBODY, session: this.#owner.id }, this);
  }

  later(direction: DatagramDirection, bytes: Buffer): void {
    if (direction === 'in') this.#owner.receiveLate(bytes);
    else this.#toClient(bytes);
  }

  tooBig({ direction, buffer, offset, length }: PassingDatagram, mtu: number): void {
    const packet = buffer.subarray(offset, offset + length);
    const message = tooBigMessage(packet, mtu, (version) => this.#owner.gatewayAddress(version));
    if (message === undefined) return;
    if (direction === 'in') this.#toClient(message);
    else this.#owner.handOnLate(message);
  }

  #toClient(packet: Buffer): void {
    const buffer = Buffer.allocUnsafe(HEADROOM + packet.length);
    packet.copy(buffer, HEADROOM);
    this.#owner.deliverLate(buffer, HEADROOM, packet.length);
  }
}
