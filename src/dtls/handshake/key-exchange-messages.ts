import { ByteReader } from '../protocol/byte-reader.ts';
import { uint, vector } from '../protocol/byte-writer.ts';

/** ECCurveType named_curve (RFC 8422 §5.4), the only one in use. */
const NAMED_CURVE = 3;

/** Certificate (RFC 5246 §7.4.2): DER certificates, the leaf first. */
export function serializeCertificate(chain: readonly Buffer[]): Buffer {
  return vector(Buffer.concat(chain.map((certificate) => vector(certificate, 3))), 3);
}

/** The certificates of a Certificate message; undefined when malformed. */
export function parseCertificate(body: Buffer): Buffer[] | undefined {
  const outer = new ByteReader(body);
  const list = new ByteReader(outer.vector(3));
  const chain: Buffer[] = [];
  while (!list.failed && list.remaining > 0) chain.push(list.vector(3));
  return list.complete && outer.complete ? chain : undefined;
}

/** ServerECDHParams (RFC 8422 §5.4). */
export function serializeEcdhParameters(group: number, publicKey: Buffer): Buffer {
  return Buffer.concat([uint(NAMED_CURVE, 1), uint(group, 2), vector(publicKey, 1)]);
}

/** A signature with its scheme (RFC 5246 §4.7): the end of a signed ServerKeyExchange, or the body of CertificateVerify. */
export function serializeSignature(scheme: number, signature: Buffer): Buffer {
  return Buffer.concat([uint(scheme, 2), vector(signature, 2)]);
}

/** ServerKeyExchange of the suites of this engine. */
export interface ServerKeyExchange {
  /** Of ECDHE suites; undefined also when the curve is not a named one. */
  readonly group: number | undefined;
  readonly publicKey: Buffer;
  /** The signed data, besides the randoms. */
  readonly parameters: Buffer;
  /** Of certificate suites. */
  readonly scheme: number;
  readonly signature: Buffer;
}

const NONE = Buffer.alloc(0);

/**
 * Reads a ServerKeyExchange: an identity hint for PSK, parameters for ECDHE, a signature for a certificate (RFC 4279 §2,
 * RFC 5489 §2, RFC 8422 §5.4). Undefined when malformed.
 */
export function parseServerKeyExchange(
  body: Buffer,
  has: { readonly hint: boolean; readonly ecdhe: boolean; readonly signature: boolean },
): ServerKeyExchange | undefined {
  const reader = new ByteReader(body);
  if (has.hint) reader.vector(2);
  const start = body.length - reader.remaining;
  const named = has.ecdhe && reader.uint(1) === NAMED_CURVE;
  const group = has.ecdhe ? reader.uint(2) : 0;
  const publicKey = has.ecdhe ? reader.vector(1) : NONE;
  const parameters = body.subarray(start, body.length - reader.remaining);
  const scheme = has.signature ? reader.uint(2) : 0;
  const signature = has.signature ? reader.vector(2) : NONE;
  return reader.complete ? { group: named ? group : undefined, publicKey, parameters, scheme, signature } : undefined;
}

/** Signature schemes of a CertificateRequest (RFC 5246 §7.4.4); undefined when malformed. */
export function parseCertificateRequest(body: Buffer): readonly number[] | undefined {
  const reader = new ByteReader(body);
  reader.vector(1);
  const schemes = reader.numbers(2);
  reader.vector(2);
  return reader.complete ? schemes : undefined;
}

/** ClientKeyExchange: the identity of a PSK, the public key of ECDHE, or both. */
export function serializeClientKeyExchange(identity: Buffer | undefined, publicKey: Buffer | undefined): Buffer {
  return Buffer.concat([identity ? vector(identity, 2) : NONE, publicKey ? vector(publicKey, 1) : NONE]);
}

export function parseClientKeyExchange(
  body: Buffer,
  has: { readonly identity: boolean; readonly ecdhe: boolean },
): { readonly identity: Buffer; readonly publicKey: Buffer } | undefined {
  const reader = new ByteReader(body);
  const identity = has.identity ? reader.vector(2) : NONE;
  const publicKey = has.ecdhe ? reader.vector(1) : NONE;
  return reader.complete ? { identity, publicKey } : undefined;
}

/** HelloVerifyRequest (RFC 6347 §4.2.1): the cookie; undefined when malformed. */
export function parseHelloVerifyRequest(body: Buffer): Buffer | undefined {
  const reader = new ByteReader(body);
  reader.uint(2);
  const cookie = reader.vector(1);
  return reader.complete ? cookie : undefined;
}
