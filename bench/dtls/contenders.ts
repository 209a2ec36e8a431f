import { EventEmitter } from 'node:events';
import { join } from 'node:path';
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

export function ours(name: string, protection?: RecordProtection): Contender {
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

interface PrototypePeer {
  key: string;
}

/** The engine of the prototypes behind its own front. */
export async function prototype(name: string, folder: string, evp: boolean): Promise<Contender> {
  const { TsEngine, TsEvpEngine } = await import(join(folder, 'eng-ts.mjs'));
  const { Front } = await import(join(folder, 'front.mjs'));
  const engine = evp ? new TsEvpEngine(await import(join(folder, 'evp.mjs')), {}) : new TsEngine({});
  const socket = Object.assign(new EventEmitter(), {
    send: (buffer: Buffer, offset: number, length: number) => contender.sent(buffer, offset, length),
  });
  const front = new Front({
    socket,
    engine,
    lookup: () => ({ psk: PSK }),
    onData: (peer: PrototypePeer, message: Buffer) => {
      contender.received++;
      if (contender.echo) engine.write(peer, message);
    },
    onUp: () => {},
  });
  const contender: Contender = {
    name,
    echo: false,
    received: 0,
    sent: () => {},
    input: (datagram, peer) => front.receive(datagram, peer),
    tick: () => {},
  };
  return contender;
}

/** Ours and, where there is one, the prototype's, plain and accelerated. */
export async function contenders(folder: string | undefined): Promise<Contender[]> {
  const accelerated = acceleratedProtection();
  const list = [ours('tunnelite, node:crypto')];
  if (folder) list.push(await prototype('prototype, node:crypto', folder, false));
  if (accelerated) list.push(ours('tunnelite, EVP', accelerated));
  if (folder && accelerated) list.push(await prototype('prototype, EVP', folder, true));
  return list;
}
