import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';

/** What a CA may certify. A DNS name stands for itself and everything below it; an address may be a CIDR range. */
export interface PermittedNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/**
 * What the CA's name constraints hold, and so what its key could be misused for: `full` DNS names and addresses; `dns` names only, for
 * TLS libraries that refuse a CA with constraints on addresses, as BoringSSL's verifier does; `off` for those that refuse any.
 */
export type NameConstraints = 'full' | 'dns' | 'off';

export interface CertificateOptions {
  /** Where CA, keys and state live; made when missing. Undefined: everything stays in memory. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  /** Beyond loopback, `localhost` and `contoso.internal`: configured domains, names and address ranges. */
  readonly permitted?: Partial<PermittedNames>;
  /**
   * Names that a CA made now may certify too. That an existing one lacks them is no reason to renew it, since then every client has to
   * trust it anew: for names that change by themselves, such as that of a machine or a container.
   */
  readonly welcome?: Partial<PermittedNames>;
  /** Default: those of the CA that is there, and `full` for a new one. */
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
  /** Whom the subject names; the first of the names when left out. At most 64 characters are taken (RFC 5280, `ub-common-name`). */
  readonly commonName?: string;
  /** Default: server only. */
  readonly usages?: readonly ('server' | 'client')[];
}

/**
 * How a certificate for trying out clients differs from a server's usual one: below an intermediate; vouched for by nobody else; no longer
 * good; for a client.
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
   * The certificate called `name`: the stored one when it still fits the request, else a new one.
   * @param name lower-case letters, digits and dashes; also the file's name
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`, `ERR_CERT_DIRECTORY`
   */
  leaf(name: string, request: LeafRequest): Promise<LeafCertificate>;
  /**
   * A new certificate called `name` for a clock that was moved, in memory only: what others find in the directory stays as it is. It is
   * good from `from` on, so that clients whose own clock did not move accept it too. Undefined while it would last no longer than until
   * `than`: no leaf outlives its CA.
   * @param from and `than`: milliseconds since the Unix epoch
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`
   */
  renewed(name: string, request: LeafRequest, from: number, than: number): Promise<LeafCertificate | undefined>;
  /**
   * A certificate for trying out clients: the leaf, then the intermediate if there is one. Made anew at each call, and kept nowhere.
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`
   */
  special(kind: SpecialKind, request: LeafRequest): Promise<{ readonly certPem: string; readonly keyPem: string }>;
  /** How to make a device or program trust the CA, as text for a person. */
  trustHelp(): string;
  /**
   * A private JSON document kept beside the certificates, such as signing keys; undefined when there is none.
   * @throws TunneliteError `ERR_STATE_CORRUPT`
   */
  readState(name: string): Promise<unknown>;
  /** Replaces the document, atomically and readable by this user only. */
  writeState(name: string, value: unknown): Promise<void>;
  /** Writes the document unless there is one. False: somebody else was first. */
  createState(name: string, value: unknown): Promise<boolean>;
  /** Deletes the document, if there is one. */
  deleteState(name: string): Promise<void>;
}
