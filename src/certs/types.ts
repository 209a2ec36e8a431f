import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';

/** The names that a CA may certify. A DNS name includes all its subdomains; an address may be a CIDR range. */
export interface PermittedNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/**
 * Scope of the CA's name constraints, which limit a misuse of its key: `full` for DNS names and addresses; `dns` for names only, for
 * TLS libraries that refuse a CA with constraints on addresses, such as BoringSSL's verifier; `off` for those that refuse all constraints.
 */
export type NameConstraints = 'full' | 'dns' | 'off';

export interface CertificateOptions {
  /** Folder of the CA, keys and state; created if missing. Undefined: everything stays in memory. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  /** Domains, names and address ranges to permit besides loopback, `localhost` and `contoso.internal`. */
  readonly permitted?: Partial<PermittedNames>;
  /**
   * Additional names that a new CA may certify. An existing CA without them is not renewed, since every client would have to trust it
   * again: for names that change by themselves, such as that of a machine or a container.
   */
  readonly welcome?: Partial<PermittedNames>;
  /** Default: those of the existing CA, and `full` for a new one. */
  readonly constraints?: NameConstraints | undefined;
}

/** The certificate authority of this machine. */
export interface CertificateAuthority {
  readonly certPem: string;
  /** Absolute path of the PEM file to trust; undefined in memory. */
  readonly path: string | undefined;
  /** SHA-256 of the certificate, upper-case hex pairs with colons. */
  readonly fingerprint: string;
  readonly constraints: NameConstraints;
}

export interface LeafRequest {
  /** DNS names; a leading `*.` makes a wildcard. */
  readonly dnsNames: readonly string[];
  /** IPv4 and IPv6 addresses. */
  readonly ips: readonly string[];
  /** Common name of the subject; default: the first name. Truncated to 64 characters (RFC 5280, `ub-common-name`). */
  readonly commonName?: string;
  /** Default: server only. */
  readonly usages?: readonly ('server' | 'client')[];
}

/**
 * Kinds of certificates for testing clients: issued by an intermediate; self-signed; expired; or for a client.
 */
export type SpecialKind = 'intermediate' | 'self-signed' | 'expired' | 'client';

export interface LeafCertificate {
  /** The leaf, then the CA. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly fingerprint: string;
  /** Milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

/** Certificates and private state of one installation. */
export interface CertificateStore {
  readonly ca: CertificateAuthority;
  readonly directory: string | undefined;
  /** True for a DNS name that the CA may certify. */
  permits(dnsName: string): boolean;
  /**
   * The certificate with this name: the stored one if it still fits the request, otherwise a new one.
   * @param name lower-case letters, digits and dashes; also the file's name
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`, `ERR_CERT_DIRECTORY`
   */
  leaf(name: string, request: LeafRequest): Promise<LeafCertificate>;
  /**
   * A new certificate with this name for a clock that was moved, in memory only: the directory does not change. It is valid from `from`
   * on, so that clients whose clock did not move accept it too. Undefined if it would not be valid beyond `than`, since no leaf outlives
   * its CA.
   * @param from and `than`: milliseconds since the Unix epoch
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`
   */
  renewed(name: string, request: LeafRequest, from: number, than: number): Promise<LeafCertificate | undefined>;
  /**
   * A certificate for testing clients: the leaf, then the intermediate if there is one. Created at each call and not stored.
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`
   */
  special(kind: SpecialKind, request: LeafRequest): Promise<{ readonly certPem: string; readonly keyPem: string }>;
  /** Readable instructions for making a device or program trust the CA. */
  trustHelp(): string;
  /**
   * A private JSON document stored with the certificates, such as signing keys; undefined when there is none.
   * @throws TunneliteError `ERR_STATE_CORRUPT`
   */
  readState(name: string): Promise<unknown>;
  /** Replaces the document, atomically and readable by this user only. */
  writeState(name: string, value: unknown): Promise<void>;
  /** Writes the document unless it exists. False: another process was first. */
  createState(name: string, value: unknown): Promise<boolean>;
  /** Deletes the document, if there is one. */
  deleteState(name: string): Promise<void>;
}
