import t from 'tap';
import { InnerHost } from '../../src/client/inner-host.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { ACK, buildPacket, parsePacket, type RawSegment, RST, SYN } from '../support/raw-tcp-peer.ts';

t.test(
  'a connection that is reset with its first segment is an error for whoever opens it, not for the process',
  async (t) => {
    const [own, server] = ['10.77.0.1', '10.1.2.3'];
    const sent: RawSegment[] = [];
    const host = new InnerHost({
      configuration: { address4: own, address6: undefined, mtu: 1400 } as never,
      clock: new ManualClock(),
      random: seededRandom(1),
      output: (buffer, offset, length) => {
        sent.push(parsePacket(Buffer.from(buffer.subarray(offset, offset + length))));
        return true;
      },
    });
    t.teardown(() => host.close());
    const opening = host.openTcp({ localAddress: own, remoteAddress: server, remotePort: 80, where: 'the server' });
    const [{ seq, sourcePort: destinationPort }] = sent as [RawSegment];
    const answer = (flags: number, at: number): Buffer => {
      const fields = { seq: at, ack: (seq + 1) >>> 0, flags, window: 65_535, payload: Buffer.alloc(0) };
      return buildPacket({ ...fields, options: Buffer.alloc(0), sourcePort: 80, destinationPort }, server, own);
    };
    // As from a socket: what is due next comes before whoever waits for a promise.
    setImmediate(() => {
      for (const packet of [answer(SYN | ACK, 500), answer(RST | ACK, 501)]) host.stack.input(packet, 0, packet.length);
      host.stack.flush();
    });
    await t.rejects(opening, {
      code: 'ERR_CLIENT_OPEN',
      message: 'the server was reset right after it opened: The peer reset the connection.',
      details: { reset: true },
      cause: { code: 'ERR_NETSTACK_RESET' },
    });
  },
);
