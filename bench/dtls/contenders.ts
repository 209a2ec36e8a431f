import { acceleratedProtection } from '../../src/dtls/acceleration.ts';
import { type DtlsPeer, DtlsServer, type RecordProtection } from '../../src/dtls/index.ts';

export const PSK = Buffer.alloc(32, 0x11);

/** A DTLS server that takes datagrams and sends some. */
export interface Contender {
  readonly name: string;
  readonly input: (datagram: Buffer, peer: DtlsPeer) => void;
  /** Whether application data is sent back. */
  echo: boolean;
  /** Takes what the server sends; the bytes are copied by the taker. */
  sent: (buffer: Buffer, offset: number, length: number) => void;
  received: number;
  readonly tick: () => void;
}

function ours(name: string, protection?: RecordProtection): Contender {
  const server = new DtlsServer<undefined>({
    protection,
    send: (buffer, offset, length) => contender.sent(buffer, offset, length),
    lookup: () => ({ kind: 'psk', key: PSK, context: undefined }),
    onData: (association, buffer, offset, length) => {
      contender.received++;
      if (contender.echo) association.send(buffer, offset, length);
    },
  });
  let now = 0;
  const contender: Contender = {
    name,
    echo: false,
    received: 0,
    sent: () => {},
    input: (datagram, peer) => server.input(datagram, peer, now),
    tick: () => server.tick((now += 5000)),
  };
  return contender;
}

/** The engine on `node:crypto` and, where it loads, on the OpenSSL inside Node.js. */
export function contenders(): Contender[] {
  const accelerated = acceleratedProtection();
  return [ours('node:crypto'), ...(accelerated ? [ours('EVP', accelerated)] : [])];
}
