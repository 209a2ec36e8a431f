import type { KeyObject } from 'node:crypto';
import type { RandomSource } from '../../lib/random.ts';
import type { DatagramMemory } from '../../udp/datagram-memory.ts';
import type { CipherSuiteName } from '../protocol/cipher-suites.ts';
import type { RecordProtection } from '../record/record-protection.ts';

/*
 * The engine owns no socket and no timer. Pass datagrams and the time to `input` and `tick`; the engine reports everything
 * through the callbacks of the options before the call returns. Times are milliseconds of any monotonic clock. No callback
 * may throw; all may call back into the engine, including `close`.
 */

/**
 * The remote endpoint of an association. A `RemoteInfo` of node:dgram is accepted. Two peers are equal when address and port are equal.
 * The engine keeps the object passed with a datagram and passes the same one to `send`, so a socket can store more in it: do not change it.
 */
export interface DtlsPeer {
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

/** A pre-shared key. A KeyObject is faster than a Buffer when the same key is used more than once. */
export type PreSharedKey = Buffer | KeyObject;

/** A certificate chain and its private key; created by `certificateIdentity`. */
export interface CertificateIdentity {
  /** DER, the leaf first. */
  readonly chain: readonly Buffer[];
  readonly key: KeyObject;
}

interface CredentialsBase<Context> {
  /** Kept by the association as `context`. */
  readonly context: Context;
  /**
   * Identifies the session that this association belongs to (any value, compared as a Map key). A session has at
   * most one association: a newer one replaces it once its handshake is complete. If left out, the peer's address and
   * port identify it.
   */
  readonly session?: unknown;
  /** Restricts the association to these suites; the server's order of preference applies. */
  readonly cipherSuites?: readonly CipherSuiteName[];
}

/** Full handshake with a pre-shared key (RFC 4279, RFC 5487; ECDHE-PSK: RFC 5489, RFC 8442). */
export interface PskCredentials<Context> extends CredentialsBase<Context> {
  readonly kind: 'psk';
  /** The key, or a function that finds it by the identity that the client sends; `undefined` = unknown_psk_identity. */
  readonly key: PreSharedKey | ((identity: Buffer) => PreSharedKey | undefined);
}

/** Abbreviated handshake with a master secret exchanged out of band: AnyConnect's legacy mode (observed: ocserv 1.3.0). */
export interface ResumeCredentials<Context> extends CredentialsBase<Context> {
  readonly kind: 'resume';
  /** 48 bytes. */
  readonly masterSecret: Buffer;
  readonly cipherSuite: CipherSuiteName;
}

/** Full handshake with a certificate (ECDHE-ECDSA, ECDHE-RSA). */
export interface CertificateCredentials<Context> extends CredentialsBase<Context> {
  readonly kind: 'certificate';
  readonly identity: CertificateIdentity;
}

export type DtlsCredentials<Context = unknown> =
  | PskCredentials<Context>
  | ResumeCredentials<Context>
  | CertificateCredentials<Context>;

/** The fields of a ClientHello passed to `lookup`. Buffers are views: copy what must outlive the call. */
export interface ClientHelloInfo {
  readonly peer: DtlsPeer;
  /** 0 to 32 bytes; an AnyConnect client puts the App-ID or the DTLS session id here. */
  readonly sessionId: Buffer;
  readonly random: Buffer;
  /** IANA numbers, in the client's order. */
  readonly cipherSuites: readonly number[];
  /** server_name (RFC 6066), if sent. */
  readonly serverName: string | undefined;
  /** Body of an extension by its number, if sent. */
  extension(type: number): Buffer | undefined;
}

/** Why a datagram or a record was dropped. Counted, never thrown, since any network causes these. */
export type DropReason =
  | 'malformed'
  | 'unknown-peer'
  | 'unknown-session'
  | 'zero-random'
  | 'too-soon'
  | 'repeated-hello'
  | 'no-common-cipher'
  | 'version'
  | 'full'
  | 'rate-limited'
  | 'not-authentic'
  | 'replayed'
  | 'epoch'
  | 'unexpected'
  | 'closed';

/** Why an association, or an attempt at one, ended. */
export type CloseReason =
  /** `close()` was called on our side. */
  | 'local'
  /** The peer sent close_notify. */
  | 'close-notify'
  /** The peer sent a fatal alert. */
  | 'alert'
  /** A newer association of the same session is complete. */
  | 'replaced'
  /** The handshake was not complete in time. */
  | 'timeout'
  /** The handshake failed on our side; a fatal alert was sent. */
  | 'handshake-failed'
  /** The sequence numbers of the epoch are used up (RFC 6347 §4.1). */
  | 'sequence-overflow';

/** Details about the end of an association, for the log. */
export interface CloseDetails {
  /** Name of the alert sent or received (`handshake_failure`, …). */
  readonly alert?: string;
  /** One readable sentence. */
  readonly explanation?: string;
  /** The handshake failed in the way it does when the two sides have different keys. */
  readonly otherKey?: boolean;
}

export interface AssociationStats {
  recordsIn: number;
  recordsOut: number;
  /** Plaintext bytes of application data. */
  bytesIn: number;
  bytesOut: number;
  replayed: number;
  notAuthentic: number;
}

/** One DTLS association with a complete handshake. */
export interface DtlsAssociation<Context = unknown> {
  /** Changes when the peer moves, see `onMove`. */
  readonly peer: DtlsPeer;
  readonly context: Context;
  /** IANA name. */
  readonly cipherSuite: CipherSuiteName;
  /** Bytes that one record adds to its plaintext, header included: 37 for AES-GCM, 29 for ChaCha20-Poly1305. */
  readonly recordOverhead: number;
  /** Largest plaintext of one record that the peer accepts (record_size_limit, RFC 8449; otherwise 16384). */
  readonly maxPlaintext: number;
  readonly closed: boolean;
  readonly stats: Readonly<AssociationStats>;
  /**
   * Sends one record of application data in its own datagram. False when nothing was sent because the association is closed
   * or the data is longer than `maxPlaintext`. The plaintext buffer may be reused after the call.
   */
  send(buffer: Buffer, offset: number, length: number): boolean;
  /** Sends close_notify and drops the keys; calls `onClose` at once. Does nothing when already closed. */
  close(): void;
}

/** Sends one datagram. Without `memory` the engine does not change the bytes afterwards, so no copy is needed. */
export type SendDatagram = (buffer: Buffer, offset: number, length: number, peer: DtlsPeer) => void;

/** One flight of a handshake (RFC 6347 §4.2.4), as received or sent. */
export interface HandshakeFlight {
  readonly direction: 'in' | 'out';
  /** Number in the figures of RFC 6347 §4.2.4; flights that are skipped keep their number. */
  readonly flight: number;
  readonly messages: readonly string[];
  /** Datagrams and bytes of the flight; for a repetition by the client, those since our last flight. */
  readonly datagrams: number;
  readonly bytes: number;
  /** How many times it was received or sent before. */
  readonly repeat: number;
  /** Why it is repeated: what is missing. */
  readonly explanation?: string | undefined;
}

/** Observes the flights of handshakes. */
export interface FlightObserver<Context = unknown> {
  /** Called once for each handshake. If it returns false, the engine records nothing about that handshake. */
  wanted(): boolean;
  tell(context: Context, peer: DtlsPeer, flight: HandshakeFlight): void;
}

/** Options of both sides. */
export interface EndpointOptions {
  readonly send: SendDatagram;
  /** Memory in which outgoing datagrams are built. */
  readonly memory?: DatagramMemory | undefined;
  /** AEAD implementation; node:crypto by default. */
  readonly protection?: RecordProtection | undefined;
  /** One line in NSS key log format for each association, without a line break. */
  readonly onKeylog?: ((line: string) => void) | undefined;
  readonly random?: RandomSource | undefined;
  /** Largest datagram of a handshake flight, in bytes of UDP payload. Default 1200. */
  readonly mtu?: number | undefined;
  /** Delay of the first retransmission in ms; doubles each time. Default 400. */
  readonly retransmitTimeout?: number | undefined;
  /** Time in ms after which an incomplete handshake is abandoned. Default 60 000. */
  readonly handshakeTimeout?: number | undefined;
  /** Offer and accept extended_master_secret (RFC 7627). Default true; ocserv does not support it. */
  readonly extendedMasterSecret?: boolean | undefined;
  /** Largest plaintext to accept, in bytes, offered or answered as record_size_limit (RFC 8449). Default 16384; 0 = not sent. */
  readonly recordSizeLimit?: number | undefined;
}

export interface DtlsServerOptions<Context = unknown> extends EndpointOptions {
  /**
   * Returns the credentials for a ClientHello, synchronously. With `undefined` the datagram is dropped without an answer.
   * A ClientHello proves nothing about its sender: change session state only in `onConnect`.
   */
  readonly lookup: (hello: ClientHelloInfo) => DtlsCredentials<Context> | undefined;
  /** A handshake is complete. The session's previous association, if any, is still open: its `onClose` follows. */
  readonly onConnect?: (association: DtlsAssociation<Context>) => void;
  /** One record of application data; the bytes are valid only during the call. */
  readonly onData?: (association: DtlsAssociation<Context>, buffer: Buffer, offset: number, length: number) => void;
  /** An association announced by `onConnect` has ended. */
  readonly onClose?: (association: DtlsAssociation<Context>, reason: CloseReason, details: CloseDetails) => void;
  /** The peer now sends from another address or port, proven by an authentic, newer record. Called before its data is delivered. */
  readonly onMove?: (association: DtlsAssociation<Context>, from: DtlsPeer, to: DtlsPeer) => void;
  /** A handshake ended without an association. */
  readonly onHandshakeFailed?: (context: Context, peer: DtlsPeer, reason: CloseReason, details: CloseDetails) => void;
  /** A datagram or record was dropped. `handshaking`: it belonged to a pending handshake. */
  readonly onDrop?: (reason: DropReason, peer: DtlsPeer, handshaking: boolean) => void;
  readonly flights?: FlightObserver<Context> | undefined;
  /** Suites in order of preference, used when the credentials specify none. */
  readonly cipherSuites?: readonly CipherSuiteName[] | undefined;
  /**
   * Require a HelloVerifyRequest cookie before creating any state (RFC 6347 §4.2.1). Default false, as in ocserv: then only handshakes
   * with a certificate require it, and until the client has proven its address, other answers have at most three times the bytes received.
   */
  readonly cookie?: boolean | undefined;
  /** Follow a peer to a new address or port. Default true. */
  readonly roaming?: boolean | undefined;
  /** Maximum number of associations, unfinished ones included. Default 65 536. */
  readonly maxAssociations?: number | undefined;
  /** Maximum number of pending handshakes. Default 4096. */
  readonly maxHandshakes?: number | undefined;
}

/** All associations of one UDP socket. */
export interface DtlsServerEngine<Context = unknown> extends Iterable<DtlsAssociation<Context>> {
  /** Processes one datagram from `peer`. The engine neither changes nor keeps the datagram. Never throws. */
  input(datagram: Buffer, peer: DtlsPeer, now: number): void;
  /**
   * Handles timeouts: retransmits or gives up. Call when `nextDeadline` is due; calling early is harmless. `late`: milliseconds before
   * `now` during which no input was read because the process was stopped or busy; they do not count as silence of a peer. Default 0.
   */
  tick(now: number, late?: number): void;
  /** When `tick` is next due; Infinity when no timer is running. */
  readonly nextDeadline: number;
  /** Associations with a complete handshake. */
  readonly size: number;
  /** Number of pending handshakes. */
  readonly handshakes: number;
  /** Counts of each drop reason, handshakes started and completed, moves, and work spent on the search for moved peers. */
  readonly stats: Readonly<Record<string, number>>;
  /** Closes every association with close_notify. Later input is dropped. */
  close(): void;
}

/** Credentials of a client, and how it verifies the server. */
export type DtlsClientCredentials =
  | { readonly kind: 'psk'; readonly key: PreSharedKey; readonly identity: string | Buffer }
  | {
      readonly kind: 'resume';
      readonly masterSecret: Buffer;
      readonly sessionId: Buffer;
      readonly cipherSuite: CipherSuiteName;
    }
  | {
      readonly kind: 'certificate';
      /** PEM of the certificates to trust; by default the roots that ship with Node.js. */
      readonly ca?: string | readonly string[] | undefined;
      /** Host name or IP address that the certificate must be for; also sent as server_name. */
      readonly servername?: string | undefined;
      /** Default true. False accepts any certificate: for tests. */
      readonly rejectUnauthorized?: boolean | undefined;
      /** The client's certificate, sent if the server requests one. */
      readonly identity?: CertificateIdentity | undefined;
    };

export interface DtlsClientOptions extends EndpointOptions {
  readonly peer: DtlsPeer;
  readonly credentials: DtlsClientCredentials;
  /** Sent as session_id in a PSK handshake (AnyConnect: the App-ID), 0 to 32 bytes. */
  readonly sessionId?: Buffer | undefined;
  readonly cipherSuites?: readonly CipherSuiteName[] | undefined;
  readonly onConnect?: (association: DtlsAssociation<undefined>) => void;
  readonly onData?: (association: DtlsAssociation<undefined>, buffer: Buffer, offset: number, length: number) => void;
  /** The association, or the attempt, has ended. Called once. */
  readonly onClose?: (reason: CloseReason, details: CloseDetails) => void;
  readonly onDrop?: (reason: DropReason) => void;
  /** Wall-clock time in ms since the Unix epoch, for the validity of certificates. Default: the system's. */
  readonly wallClock?: (() => number) | undefined;
}

/** A client's side of one association. */
export interface DtlsClientEngine {
  /** Sends the ClientHello. */
  start(now: number): void;
  /** One datagram from the server. Never throws. */
  input(datagram: Buffer, now: number): void;
  /** Same as {@link DtlsServerEngine.tick}. */
  tick(now: number, late?: number): void;
  readonly nextDeadline: number;
  /** The association; undefined until the handshake is complete. */
  readonly association: DtlsAssociation<undefined> | undefined;
  readonly closed: boolean;
  close(): void;
}
