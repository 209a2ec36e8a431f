import type { HandshakeFlight } from '../association/types.ts';
import { MAX_FLIGHT_REPORTS } from '../protocol/constants.ts';

/** Numbers of flights as in RFC 6347 §4.2.4: figure 1, and figure 2 for an abbreviated handshake. */
const FULL = { hello: 1, answer: 4, reply: 5, last: 6 } as const;
const ABBREVIATED = { hello: 1, answer: 2, reply: 3, last: 3 } as const;
/** Number of a ClientHello with a cookie. */
const HELLO_WITH_COOKIE = 3;

const REPLY = ['ClientKeyExchange', 'ChangeCipherSpec', 'Finished'];

/** Why a flight is sent again: it was not answered, or the peer repeated the flight that it answers. */
export type Again = 'timer' | 'asked';

/** Reports the flights of one server handshake to its observer, with a limit on repetitions. */
export class FlightLog {
  readonly #tell: (flight: HandshakeFlight) => void;
  readonly #numbers: typeof FULL | typeof ABBREVIATED;
  readonly #hello: number;
  #left = MAX_FLIGHT_REPORTS;
  #datagrams = 0;
  #bytes = 0;
  #sent = -1;
  #heardAgain = 0;

  constructor(tell: (flight: HandshakeFlight) => void, resumes: boolean, proven: boolean) {
    this.#tell = tell;
    this.#numbers = resumes ? ABBREVIATED : FULL;
    this.#hello = proven ? HELLO_WITH_COOKIE : FULL.hello;
  }

  /** Records the ClientHello that started the handshake, with the size of its datagram in bytes. */
  hello(bytes: number): void {
    this.#report({ direction: 'in', flight: this.#hello, messages: ['ClientHello'], datagrams: 1, bytes, repeat: 0 });
  }

  /** Records a received datagram by its size in bytes. */
  heard(bytes: number): void {
    this.#datagrams++;
    this.#bytes += bytes;
  }

  /** Records a flight that was sent. @param missing for a repetition, the part of the peer's answer that is missing */
  sent(
    messages: readonly string[],
    out: { readonly datagrams: number; readonly bytes: number },
    last: boolean,
    missing: string | undefined,
  ): void {
    const { answer, last: end } = this.#numbers;
    this.#sent = missing === undefined ? 0 : this.#sent + 1;
    const flight = last ? end : answer;
    this.#report({ direction: 'out', flight, messages, ...out, repeat: this.#sent, explanation: missing });
    if (missing === undefined) this.#datagrams = this.#bytes = 0;
  }

  /** Records that the peer's last flight is complete and authentic. */
  replied(): void {
    const messages = this.#numbers === FULL ? REPLY : REPLY.slice(1);
    this.#report({ direction: 'in', flight: this.#numbers.reply, messages, ...this.#came, repeat: 0 });
    this.#heardAgain = 0;
  }

  /** Records a repetition by the peer. @param complete it is its last flight */
  heardAgain(complete: boolean): void {
    this.#heardAgain++;
    const { answer, last, reply } = this.#numbers;
    this.#report({
      direction: 'in',
      flight: complete ? reply : this.#hello,
      messages: complete ? REPLY : ['ClientHello'],
      ...this.#came,
      repeat: this.#heardAgain,
      explanation: `The client did not receive flight ${complete ? last : answer}, or not all of it.`,
    });
  }

  /** Datagrams and bytes received since the last flight was sent. */
  get #came(): { readonly datagrams: number; readonly bytes: number } {
    return { datagrams: this.#datagrams, bytes: this.#bytes };
  }

  #report(flight: HandshakeFlight): void {
    if (this.#left <= 0) return;
    this.#left--;
    this.#tell(flight);
  }
}
