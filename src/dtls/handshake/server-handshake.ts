import type { Connection } from '../association/connection.ts';
import type { DtlsCredentials, HandshakeFlight, PreSharedKey } from '../association/types.ts';
import type { AlertName } from '../protocol/alerts.ts';
import { uint } from '../protocol/byte-writer.ts';
import type { CipherSuiteName } from '../protocol/cipher-suites.ts';
import {
  DTLS_1_2,
  EXTENSION,
  HANDSHAKE_TYPE,
  RANDOM_LENGTH,
  RECORD_HEADER_LENGTH,
  RENEGOTIATION_SCSV,
  SERVER_MAX_MESSAGE,
} from '../protocol/constants.ts';
import { type ClientHello, offersDtls12 } from './client-hello.ts';
import { type Again, FlightLog } from './flight-log.ts';
import { Handshake } from './handshake.ts';
import { expected, SERVER_STATE, SERVER_TRANSITIONS, type ServerState } from './handshake-states.ts';
import type { Extensions } from './hello-extensions.ts';
import { EphemeralKey } from './key-agreement.ts';
import {
  parseClientKeyExchange,
  serializeCertificate,
  serializeEcdhParameters,
  serializeSignature,
} from './key-exchange-messages.ts';
import { pskPremasterSecret } from './key-schedule.ts';
import { type Agreement, negotiate, readRecordSizeLimit } from './negotiation.ts';
import { serializeServerHello } from './server-hello.ts';
import { signWith } from './signature-schemes.ts';

const EMPTY = Buffer.alloc(0);

/** A ClientHello with facts from the record layer and its fragments. */
export interface ReceivedHello {
  readonly hello: ClientHello;
  /** Unfragmented, with its header; a copy. */
  readonly raw: Buffer;
  readonly messageSequence: number;
  /** Sequence number of its record. */
  readonly recordSequence: number;
  /** The sender's address is proven: it returned our cookie. */
  readonly proven: boolean;
}

/** The server's side of a handshake. */
export class ServerHandshake extends Handshake {
  state: ServerState = SERVER_STATE.clientKeyExchange;
  readonly #credentials: DtlsCredentials;
  #agreement: Agreement | undefined;
  #ephemeral: EphemeralKey | undefined;
  /** Observer of the flights, if there is one. */
  readonly #log: FlightLog | undefined;

  constructor(
    connection: Connection,
    received: ReceivedHello,
    credentials: DtlsCredentials,
    now: number,
    tell?: (flight: HandshakeFlight) => void,
  ) {
    // Numbers continue from the ClientHello's, so that a HelloVerifyRequest needs no state (RFC 6347 §4.2.1, §4.2.2).
    super(connection, received.messageSequence, SERVER_MAX_MESSAGE, now, received.messageSequence + 1);
    this.#credentials = credentials;
    this.#log = tell && new FlightLog(tell, credentials.kind === 'resume', received.proven);
    this.#log?.hello(RECORD_HEADER_LENGTH + received.raw.length);
    this.transcript.push(received.raw);
    this.clientRandom = Buffer.from(received.hello.random);
    if (!received.proven) {
      this.distrust();
      this.heard(RECORD_HEADER_LENGTH + received.raw.length);
    }
  }

  /** Answers the ClientHello. Returns the alert to refuse it with, if it cannot be answered. */
  accept(hello: ClientHello, preference: readonly CipherSuiteName[], now: number): AlertName | undefined {
    const { connection } = this;
    if (!offersDtls12(hello)) return 'protocol_version';
    if (!hello.compressionMethods.includes(0)) return 'handshake_failure';
    const agreement = negotiate(hello, this.#credentials, preference);
    if (!agreement) return 'handshake_failure';
    const maxPlaintext = readRecordSizeLimit(hello.extensions);
    if (maxPlaintext === undefined) return 'illegal_parameter';
    if (hello.extensions.has(EXTENSION.renegotiationInfo) && hello.extensions.get(EXTENSION.renegotiationInfo)?.[0]) {
      return 'handshake_failure';
    }
    connection.limitPlaintext(maxPlaintext);
    this.#agreement = agreement;
    this.serverRandom = connection.config.random.bytes(RANDOM_LENGTH);
    const resumes = this.#credentials.kind === 'resume';
    this.push(
      HANDSHAKE_TYPE.serverHello,
      serializeServerHello({
        version: DTLS_1_2,
        random: this.serverRandom,
        // Repeating the client's session id means "resumed" (RFC 5246 §7.4.1.3).
        sessionId: resumes ? hello.sessionId : EMPTY,
        cipherSuite: agreement.suite.id,
        compressionMethod: 0,
        extensions: this.#extensions(hello, resumes),
      }),
    );
    if (this.#credentials.kind === 'resume') {
      this.installKeys(agreement.suite, this.#credentials.masterSecret);
      this.pushFinished();
      this.state = SERVER_STATE.finished;
    } else {
      this.#pushKeyExchange();
      this.push(HANDSHAKE_TYPE.serverHelloDone, EMPTY);
    }
    this.sendFlight(now, true);
    return undefined;
  }

  #extensions(hello: ClientHello, resumes: boolean): Extensions {
    const offered = hello.extensions;
    const { config } = this.connection;
    const answer: Extensions = new Map();
    if (!resumes) {
      // RFC 5746 §3.6, §3.4. In the legacy mode ocserv 1.3.0 sends neither this nor the next.
      if (offered.has(EXTENSION.renegotiationInfo) || hello.cipherSuites.includes(RENEGOTIATION_SCSV)) {
        answer.set(EXTENSION.renegotiationInfo, Buffer.from([0]));
      }
      if (config.extendedMasterSecret && offered.has(EXTENSION.extendedMasterSecret)) {
        this.extended = true;
        answer.set(EXTENSION.extendedMasterSecret, EMPTY);
      }
      if (this.#agreement!.suite.macKeyLength > 0) answer.set(EXTENSION.encryptThenMac, EMPTY);
      if (this.#agreement?.group !== undefined && offered.has(EXTENSION.ecPointFormats)) {
        answer.set(EXTENSION.ecPointFormats, Buffer.from([1, 0]));
      }
    }
    if (config.recordSizeLimit > 0 && offered.has(EXTENSION.recordSizeLimit)) {
      answer.set(EXTENSION.recordSizeLimit, uint(config.recordSizeLimit, 2));
    }
    return answer;
  }

  /** Certificate and ServerKeyExchange, where the suite has them (RFC 8422 §5.4, RFC 5489 §2). */
  #pushKeyExchange(): void {
    const { group, signatureScheme } = this.#agreement!;
    const credentials = this.#credentials;
    if (credentials.kind === 'certificate') {
      this.push(HANDSHAKE_TYPE.certificate, serializeCertificate(credentials.identity.chain));
    }
    if (group === undefined) return;
    this.#ephemeral = new EphemeralKey(group);
    const parameters = serializeEcdhParameters(group, this.#ephemeral.publicKey);
    if (credentials.kind !== 'certificate') {
      // An empty identity hint.
      this.push(HANDSHAKE_TYPE.serverKeyExchange, Buffer.concat([uint(0, 2), parameters]));
      return;
    }
    const signed = Buffer.concat([this.clientRandom, this.serverRandom, parameters]);
    const signature = signWith(signatureScheme!, credentials.identity.key, signed);
    const proof = serializeSignature(signatureScheme!, signature);
    this.push(HANDSHAKE_TYPE.serverKeyExchange, Buffer.concat([parameters, proof]));
  }

  protected override message(type: number, body: Buffer, raw: Buffer, epoch: number, now: number): void {
    const name = expected(SERVER_TRANSITIONS[this.state], type, epoch);
    if (name === 'clientKeyExchange') this.#clientKeyExchange(body, raw);
    else if (name === 'finished') this.#finished(body, raw, now);
    else
      this.connection.fail(
        'unexpected_message',
        `Handshake message ${type} was received while ${this.state} was expected.`,
      );
  }

  #clientKeyExchange(body: Buffer, raw: Buffer): void {
    const { suite } = this.#agreement!;
    const premaster = this.#premaster(body);
    if (!premaster) return;
    this.transcript.push(raw);
    this.installKeys(suite, this.masterFrom(suite, premaster));
    this.#ephemeral = undefined;
    this.state = SERVER_STATE.finished;
  }

  /** Computes the premaster secret from ClientKeyExchange; undefined means that the handshake has failed. */
  #premaster(body: Buffer): Buffer | undefined {
    const { connection } = this;
    const credentials = this.#credentials;
    const has = { identity: credentials.kind === 'psk', ecdhe: this.#ephemeral !== undefined };
    const exchange = parseClientKeyExchange(body, has);
    if (!exchange) {
      connection.fail('decode_error', 'The ClientKeyExchange is malformed.');
      return undefined;
    }
    const agreed = this.#ephemeral?.agree(exchange.publicKey);
    if (this.#ephemeral && !agreed) {
      connection.fail('illegal_parameter', "The client's ephemeral public key is not valid.");
      return undefined;
    }
    if (credentials.kind !== 'psk') return agreed;
    const key: PreSharedKey | undefined =
      typeof credentials.key === 'function' ? credentials.key(Buffer.from(exchange.identity)) : credentials.key;
    if (!key) {
      connection.fail('unknown_psk_identity', "There is no key for the client's identity.");
      return undefined;
    }
    return pskPremasterSecret(key, agreed);
  }

  #finished(body: Buffer, raw: Buffer, now: number): void {
    if (!this.provenBy(body)) return;
    this.#log?.replied();
    this.state = SERVER_STATE.done;
    this.conclude(raw, this.#credentials.kind !== 'resume', now);
  }

  override heard(bytes: number): void {
    super.heard(bytes);
    this.#log?.heard(bytes);
  }

  protected override sent(datagrams: number, bytes: number, again: Again | undefined): void {
    if (this.#log === undefined) return;
    const missing = again === 'asked' ? 'The client requested it.' : this.#missing();
    const last = this.state === SERVER_STATE.done;
    this.#log.sent(this.flight.messages, { datagrams, bytes }, last, again && missing);
  }

  protected override heardAgain(): void {
    this.#log?.heardAgain(this.state === SERVER_STATE.done);
  }

  /** Describes which part of the client's answer is missing. */
  #missing(): string {
    const { begun, ahead } = this.reassembly;
    if (this.state === SERVER_STATE.finished) {
      if (this.connection.stats.notAuthentic > 0)
        return "The client's Finished was received and could not be decrypted.";
      if (begun) return "A part of the client's Finished was not received.";
      return this.#credentials.kind === 'resume'
        ? "The client's Finished was not received."
        : "The client's ClientKeyExchange was received, but not its Finished.";
    }
    if (begun) return "A part of the client's ClientKeyExchange was not received.";
    if (ahead || this.early > 0) {
      return "The datagram with the client's ClientKeyExchange was not received, but later ones were.";
    }
    return 'Nothing was received from the client since.';
  }

  protected override timeoutExplanation(): string {
    if (this.connection.stats.notAuthentic > 0) {
      return "The client's Finished could not be decrypted: the two sides have different keys.";
    }
    return this.state === SERVER_STATE.finished
      ? 'The client did not send its Finished in time.'
      : 'The client did not answer the ServerHello in time.';
  }
}
