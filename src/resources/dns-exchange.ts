import type { Clock } from '../lib/clock.ts';
import { endpointText } from '../lib/endpoint.ts';
import { errorText } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Network, TcpTarget } from '../network/index.ts';
import { serializeDnsQuery } from '../wire/dns.ts';
import { DnsFramer, lengthOf } from '../wire/dns-stream.ts';
import { DNS_EDNS_BYTES, MAX_STRAY_ANSWERS } from './constants.ts';
import type { SentQuestion, Verdict } from './reply-check.ts';

interface ExchangeOptions {
  readonly server: TcpTarget;
  /** In lower case. */
  readonly name: string;
  readonly type: string;
  /** Timeout of the server, UDP and TCP together, in milliseconds. */
  readonly timeout: number;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly judge: (bytes: Buffer, sent: SentQuestion, transport: 'udp' | 'tcp', maxBytes: number) => Verdict;
  /** The query to send. */
  readonly onSent: (question: Buffer) => void;
}

/** Result; `strays`: number of messages that did not answer the query, and the problem with the last. */
export type Exchanged = {
  readonly verdict: Exclude<Verdict, { kind: 'stray' | 'again' }> | { readonly kind: 'silent'; readonly why: string };
  readonly strays: number;
  readonly stray: string;
};

const HEADER_BYTES = 12;
/** The EDNS record with the maximum size, at the end of a query. */
const OPT_BYTES = 11;

/**
 * Queries one server: over UDP with its own socket, so that a spoofed answer must guess port, ID and letter case,
 * then over TCP if needed. Calls `done` once, unless the returned function is called first.
 */
export function exchange(options: ExchangeOptions, done: (outcome: Exchanged) => void): () => void {
  const { server, name, type, network, clock, random, judge } = options;
  const shown = endpointText(server.host, server.port);
  let over = false;
  let leave = (): void => {};
  let strays = 0;
  let stray = '';

  const stop = (): void => {
    if (over) return;
    over = true;
    limit.cancel();
    leave();
  };
  const finish = (verdict: Exchanged['verdict']): void => {
    if (over) return;
    stop();
    done({ verdict, strays, stray });
  };
  const limit = patience(clock, options.timeout, () =>
    finish({ kind: 'silent', why: `${shown} did not answer within ${options.timeout / 1000} s` }),
  );

  const ask = (udpPayload?: number): { readonly sent: SentQuestion; readonly message: Buffer } => {
    const id = random.uint32() >>> 16;
    const message = serializeDnsQuery({ id, name: mixedCase(name, random), type, udpPayload });
    const question = message.subarray(
      HEADER_BYTES,
      udpPayload === undefined ? message.length : message.length - OPT_BYTES,
    );
    options.onSent(question);
    return { sent: { id, question, name, type }, message };
  };
  const take = (bytes: Buffer, sent: SentQuestion, transport: 'udp' | 'tcp', maxBytes: number): void => {
    const verdict = judge(bytes, sent, transport, maxBytes);
    if (verdict.kind === 'stray') {
      strays++;
      stray = verdict.why;
      // This many indicate an attack: one of them will match (RFC 5452 §9.3).
      if (transport === 'tcp') finish({ kind: 'failed', why: `${shown}: ${verdict.why}` });
      else if (strays >= MAX_STRAY_ANSWERS) finish({ kind: 'failed', why: `${shown} sent ${strays} wrong answers` });
      return;
    }
    if (verdict.kind === 'again') {
      leave();
      overTcp();
      return;
    }
    finish(verdict.kind === 'failed' ? { kind: 'failed', why: `${shown}: ${verdict.why}` } : verdict);
  };

  const overUdp = (): void => {
    const { sent, message } = ask(DNS_EDNS_BYTES);
    let left = false;
    const way = network.connectDatagrams(server, {
      onOpen: () => {
        if (!left) way.send(message);
      },
      onDatagram: (bytes) => {
        if (!left) take(bytes, sent, 'udp', DNS_EDNS_BYTES);
      },
      onError: (error) => {
        if (!left) finish({ kind: 'failed', why: `${shown}: ${errorText(error)}` });
      },
    });
    leave = () => {
      if (left) return;
      left = true;
      way.close();
    };
  };

  const overTcp = (): void => {
    const { sent, message } = ask();
    const stream = network.connect(server);
    const framer = new DnsFramer(0xffff);
    leave = () => void stream.destroy();
    stream.once('connect', () => void stream.write(Buffer.concat([lengthOf(message), message])));
    stream.on('error', (error) => finish({ kind: 'failed', why: `${shown}: ${errorText(error)}` }));
    stream.on('data', (chunk: Buffer) => {
      framer.push(chunk, (bytes) => take(bytes, sent, 'tcp', 0xffff));
    });
    stream.once('close', () => finish({ kind: 'failed', why: `${shown} closed the connection without an answer` }));
  };
  overUdp();
  return stop;
}

/** Randomizes the letter case of a name: the answer must repeat it. Never all lower case, as most clients send. */
function mixedCase(name: string, random: RandomSource): string {
  const bits = random.bytes(name.length);
  let text = '';
  for (let i = 0; i < name.length; i++) text += bits[i]! & 1 ? name[i]!.toUpperCase() : name[i];
  return text === name ? text.replace(/[a-z]/, (letter) => letter.toUpperCase()) : text;
}
