import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';

/** What a CA may certify. A DNS name stands for itself and everything below it; an address may be a CIDR range. */
export interface PermittedNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

export interface CertificateOptions {
  /** Where CA, keys and state live; made when missing. Undefined: everything stays in memory. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  /** Beyond loopback, `localhost` and `contoso.internal`: configured domains, names and address ranges. */
  readonly permitted?: Partial<PermittedNames>;
}

/** The certificate authority of this machine. */
export interface CertificateAuthority {
  readonly certPem: string;
  /** Absolute path of the PEM file to trust; undefined in memory. */
  readonly path: string | undefined;
  /** SHA-256 of the certificate, upper-case hex pairs with colons. */
  readonly fingerprint: string;
}

export interface LeafRequest {
  /** DNS names; a leading `*.` makes a wildcard. */
  readonly dnsNames: readonly string[];
  /** IPv4 and IPv6 addresses. */
  readonly ips: readonly string[];
  /** Default: server only. */
  readonly usages?: readonly ('server' | 'client')[];
}

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
  /**
   * The certificate called `name`: the stored one when it still fits the request, else a new one.
   * @param name lower-case letters, digits and dashes; also the file's name
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`, `ERR_CERT_DIRECTORY`
   */
  leaf(name: string, request: LeafRequest): Promise<LeafCertificate>;
  /** How to make a device or program trust the CA, as text for a person. */
  trustHelp(): string;
  /**
   * A private JSON document kept beside the certificates, such as signing keys; undefined when there is none.
   * @throws TunneliteError `ERR_STATE_CORRUPT`
   */
  readState(name: string): Promise<unknown>;
  /** Replaces the document, atomically and readable by this user only. */
  writeState(name: string, value: unknown): Promise<void>;
  /** Deletes the document, if there is one. */
  deleteState(name: string): Promise<void>;
}
