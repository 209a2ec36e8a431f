import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Connection } from '../association/connection.ts';
import type { DtlsClientCredentials } from '../association/types.ts';
import type { AlertName } from '../protocol/alerts.ts';
import { type CipherSuite, type CipherSuiteName, cipherSuite, cipherSuiteById } from '../protocol/cipher-suites.ts';
import { CLIENT_MAX_MESSAGE, DTLS_1_2, EXTENSION, HANDSHAKE_TYPE, RANDOM_LENGTH } from '../protocol/constants.ts';
import { parseChain, verifyChain } from './certificate-verification.ts';
import { type ClientHello, serializeClientHello } from './client-hello.ts';
import { Handshake } from './handshake.ts';
import { CLIENT_STATE, CLIENT_TRANSITIONS, type ClientState, expected } from './handshake-states.ts';
import { EphemeralKey, GROUP_PREFERENCE } from './key-agreement.ts';
import {
  parseCertificate,
  parseCertificateRequest,
  parseHelloVerifyRequest,
  parseServerKeyExchange,
  type ServerKeyExchange,
  serializeCertificate,
  serializeClientKeyExchange,
  serializeSignature,
} from './key-exchange-messages.ts';
import { pskPremasterSecret } from './key-schedule.ts';
import { readRecordSizeLimit } from './negotiation.ts';
import { offeredExtensions } from './offered-extensions.ts';
import { parseServerHello, type ServerHello } from './server-hello.ts';
import { chooseSignatureScheme, signWith, verifyWith } from './signature-schemes.ts';

const EMPTY = Buffer.alloc(0);
/** A server may change its cookie key during a handshake; more requests than this are a loop. */
const MAX_HELLO_VERIFY = 3;

/** What the client's handshake needs besides its connection. */
interface ClientHandshakeOptions {
  readonly credentials: DtlsClientCredentials;
  readonly sessionId: Buffer;
  readonly cipherSuites: readonly CipherSuiteName[];
  /** Wall-clock time, ms since the Unix epoch: for the validity of certificates. */
  readonly wallClock: () => number;
}

/** The client side of a handshake. */
export class ClientHandshake extends Handshake {
  state: ClientState = CLIENT_STATE.serverHello;
  readonly #options: ClientHandshakeOptions;
  #hello: ClientHello | undefined;
  #verifies = 0;
  #suite: CipherSuite | undefined;
  #certificate: X509Certificate | undefined;
  #ephemeral: EphemeralKey | undefined;
  #agreed: Buffer | undefined;
  /** Signature schemes of a CertificateRequest. */
  #requested: readonly number[] | undefined;

  constructor(connection: Connection, options: ClientHandshakeOptions, now: number) {
    super(connection, 0, CLIENT_MAX_MESSAGE, now);
    this.#options = options;
  }

  start(now: number): void {
    this.clientRandom = this.connection.config.random.bytes(RANDOM_LENGTH);
    this.#sendHello(EMPTY, now);
  }

  #sendHello(cookie: Buffer, now: number): void {
    const { credentials, sessionId, cipherSuites } = this.#options;
    this.#hello = {
      version: DTLS_1_2,
      random: this.clientRandom,
      sessionId,
      cookie,
      cipherSuites: cipherSuites.map((name) => cipherSuite(name).id),
      compressionMethods: Buffer.from([0]),
      extensions: offeredExtensions(credentials, cipherSuites, this.connection.config),
    };
    // The first ClientHello and the HelloVerifyRequest are not part of the transcript (RFC 6347 §4.2.1).
    this.transcript = [];
    this.flight.clear();
    this.push(HANDSHAKE_TYPE.clientHello, serializeClientHello(this.#hello));
    this.sendFlight(now, true);
  }

  protected override message(type: number, body: Buffer, raw: Buffer, epoch: number, now: number): void {
    switch (expected(CLIENT_TRANSITIONS[this.state], type, epoch)) {
      case 'helloVerifyRequest':
        this.#helloVerifyRequest(body, now);
        break;
      case 'serverHello':
        this.#serverHello(body, raw);
        break;
      case 'certificate':
        this.#serverCertificate(body, raw);
        break;
      case 'serverKeyExchange':
        this.#serverKeyExchange(body, raw);
        break;
      case 'certificateRequest':
        this.#certificateRequest(body, raw);
        break;
      case 'serverHelloDone':
        this.#serverHelloDone(body, raw, now);
        break;
      case 'finished':
        this.#finished(body, raw, now);
        break;
      default:
        this.#fail('unexpected_message', `Handshake message ${type} was received while ${this.state} was expected.`);
    }
  }

  #fail(alert: AlertName, explanation: string): void {
    this.connection.fail(alert, explanation);
  }

  #helloVerifyRequest(body: Buffer, now: number): void {
    const cookie = parseHelloVerifyRequest(body);
    if (!cookie) {
      this.#fail('decode_error', 'The HelloVerifyRequest is malformed.');
      return;
    }
    if (++this.#verifies > MAX_HELLO_VERIFY) {
      this.#fail('handshake_failure', 'The server keeps asking for another cookie.');
      return;
    }
    this.#sendHello(Buffer.from(cookie), now);
  }

  #serverHello(body: Buffer, raw: Buffer): void {
    const hello = parseServerHello(body);
    if (!hello) {
      this.#fail('decode_error', 'The ServerHello is malformed.');
      return;
    }
    if (hello.version !== DTLS_1_2) {
      this.#fail('protocol_version', 'The server chose a version other than DTLS 1.2.');
      return;
    }
    const suite = cipherSuiteById(hello.cipherSuite);
    if (!suite || !this.#hello?.cipherSuites.includes(suite.id) || hello.compressionMethod !== 0) {
      this.#fail('illegal_parameter', 'The server chose parameters that the client did not offer.');
      return;
    }
    const problem = this.#checkExtensions(hello, suite);
    if (problem) {
      this.#fail(problem, 'The ServerHello has extensions that were not in the ClientHello.');
      return;
    }
    this.transcript.push(raw);
    this.serverRandom = Buffer.from(hello.random);
    this.#suite = suite;
    this.extended = hello.extensions.has(EXTENSION.extendedMasterSecret);
    this.#continue(hello, suite);
  }

  /** Determines the kind of handshake: abbreviated or full, and its key exchange. */
  #continue(hello: ServerHello, suite: CipherSuite): void {
    const { credentials, sessionId } = this.#options;
    const resumed = sessionId.length > 0 && hello.sessionId.equals(sessionId);
    if (credentials.kind === 'resume') {
      if (!resumed) {
        this.#fail('handshake_failure', 'The server began a full handshake: it does not know the session.');
        return;
      }
      this.installKeys(suite, credentials.masterSecret);
      this.state = CLIENT_STATE.finished;
    } else if (resumed) {
      this.#fail('illegal_parameter', 'The server resumed a session that the client does not have.');
    } else {
      this.state =
        credentials.kind === 'certificate'
          ? CLIENT_STATE.certificate
          : suite.keyExchange === 'psk'
            ? CLIENT_STATE.serverKeyExchangeIfAny
            : CLIENT_STATE.serverKeyExchange;
    }
  }

  #checkExtensions(hello: ServerHello, suite: CipherSuite): AlertName | undefined {
    const offered = this.#hello!.extensions;
    for (const type of hello.extensions.keys()) if (!offered.has(type)) return 'unsupported_extension';
    // RFC 7366 §3: only with a CBC suite, and required with one.
    if (hello.extensions.has(EXTENSION.encryptThenMac) !== suite.macKeyLength > 0) return 'illegal_parameter';
    const renegotiation = hello.extensions.get(EXTENSION.renegotiationInfo);
    // RFC 5746 §3.4.
    if (renegotiation && !(renegotiation.length === 1 && renegotiation[0] === 0)) return 'handshake_failure';
    const maxPlaintext = readRecordSizeLimit(hello.extensions);
    if (maxPlaintext === undefined) return 'illegal_parameter';
    this.connection.limitPlaintext(maxPlaintext);
    return undefined;
  }

  #serverCertificate(body: Buffer, raw: Buffer): void {
    const { credentials, wallClock } = this.#options;
    const ders = parseCertificate(body);
    const chain = ders && parseChain(ders);
    if (!chain?.[0]) {
      this.#fail('bad_certificate', "The server's Certificate message cannot be read.");
      return;
    }
    if (credentials.kind === 'certificate' && credentials.rejectUnauthorized !== false) {
      const { ca, servername } = credentials;
      const failure = verifyChain(chain, { ca, servername, now: wallClock() });
      if (failure) {
        this.#fail(failure.alert, failure.explanation);
        return;
      }
    }
    this.#certificate = chain[0];
    this.transcript.push(raw);
    this.state = CLIENT_STATE.serverKeyExchange;
  }

  #serverKeyExchange(body: Buffer, raw: Buffer): void {
    const { keyExchange } = this.#suite!;
    const ecdhe = keyExchange !== 'psk';
    const hint = keyExchange === 'psk' || keyExchange === 'ecdhe_psk';
    const exchange = parseServerKeyExchange(body, { hint, ecdhe, signature: !hint });
    if (!exchange) {
      this.#fail('decode_error', 'The ServerKeyExchange is malformed.');
      return;
    }
    if (!hint && !this.#verifyParameters(exchange)) {
      this.#fail('decrypt_error', 'The signature of the ServerKeyExchange is wrong.');
      return;
    }
    if (ecdhe && !this.#agree(exchange)) return;
    this.transcript.push(raw);
    this.state = hint ? CLIENT_STATE.serverHelloDone : CLIENT_STATE.certificateRequestOrDone;
  }

  #verifyParameters({ scheme, signature, parameters }: ServerKeyExchange): boolean {
    const key = this.#certificate!.publicKey;
    const wanted = this.#suite!.keyExchange === 'ecdhe_rsa' ? ['rsa'] : ['ec', 'ed25519'];
    if (!wanted.includes(key.asymmetricKeyType ?? '')) return false;
    return verifyWith(scheme, key, Buffer.concat([this.clientRandom, this.serverRandom, parameters]), signature);
  }

  /** Creates our ephemeral key and the shared secret; false means that the handshake has failed. */
  #agree({ group, publicKey }: ServerKeyExchange): boolean {
    if (group === undefined || !GROUP_PREFERENCE.includes(group)) {
      this.#fail('illegal_parameter', 'The server chose a group that the client did not offer.');
      return false;
    }
    this.#ephemeral = new EphemeralKey(group);
    this.#agreed = this.#ephemeral.agree(publicKey);
    if (!this.#agreed) this.#fail('illegal_parameter', "The server's ephemeral public key is not valid.");
    return this.#agreed !== undefined;
  }

  #certificateRequest(body: Buffer, raw: Buffer): void {
    this.#requested = parseCertificateRequest(body);
    if (!this.#requested) {
      this.#fail('decode_error', 'The CertificateRequest is malformed.');
      return;
    }
    this.transcript.push(raw);
    this.state = CLIENT_STATE.serverHelloDone;
  }

  #serverHelloDone(body: Buffer, raw: Buffer, now: number): void {
    if (body.length !== 0) {
      this.#fail('decode_error', 'The ServerHelloDone is malformed.');
      return;
    }
    this.transcript.push(raw);
    const suite = this.#suite!;
    this.flight.clear();
    const signWithKey = this.#pushCertificate();
    const premaster = this.#pushKeyExchange();
    const master = this.masterFrom(suite, premaster);
    if (signWithKey) this.#pushCertificateVerify(signWithKey.scheme, signWithKey.key);
    this.installKeys(suite, master);
    this.pushFinished();
    this.state = CLIENT_STATE.finished;
    this.sendFlight(now, true);
  }

  /** Certificate, if the server requested one: ours, or an empty list (RFC 5246 §7.4.6). */
  #pushCertificate(): { scheme: number; key: KeyObject } | undefined {
    if (!this.#requested) return undefined;
    const { credentials } = this.#options;
    const identity = credentials.kind === 'certificate' ? credentials.identity : undefined;
    const scheme = identity && chooseSignatureScheme(identity.key, this.#requested);
    const chain = identity && scheme !== undefined ? identity.chain : [];
    this.push(HANDSHAKE_TYPE.certificate, serializeCertificate(chain));
    return identity && scheme !== undefined ? { scheme, key: identity.key } : undefined;
  }

  #pushKeyExchange(): Buffer {
    const { credentials } = this.#options;
    const identity = credentials.kind === 'psk' ? Buffer.from(credentials.identity) : undefined;
    this.push(HANDSHAKE_TYPE.clientKeyExchange, serializeClientKeyExchange(identity, this.#ephemeral?.publicKey));
    if (credentials.kind !== 'psk') return this.#agreed!;
    return pskPremasterSecret(credentials.key, this.#agreed);
  }

  /** RFC 5246 §7.4.8: a signature over all messages so far. */
  #pushCertificateVerify(scheme: number, key: KeyObject): void {
    const signature = signWith(scheme, key, Buffer.concat(this.transcript));
    this.push(HANDSHAKE_TYPE.certificateVerify, serializeSignature(scheme, signature));
  }

  #finished(body: Buffer, raw: Buffer, now: number): void {
    if (!this.provenBy(body)) return;
    this.state = CLIENT_STATE.done;
    this.conclude(raw, this.#options.credentials.kind === 'resume', now);
  }

  protected override timeoutExplanation(): string {
    if (this.connection.stats.notAuthentic > 0) {
      return "The server's Finished could not be decrypted: the two sides have different keys.";
    }
    if (this.state === CLIENT_STATE.serverHello) {
      return 'The server did not answer: UDP may be blocked, or the server does not know the session.';
    }
    return this.state === CLIENT_STATE.finished
      ? 'The server did not send its Finished; its key may be different.'
      : `The server stopped answering while ${this.state} was expected.`;
  }
}
