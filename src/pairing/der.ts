import { X509Certificate } from 'node:crypto';

/** The bytes of a certificate, in the form that phones import: never its key. */
export function derOf(pem: string): Buffer {
  return Buffer.from(new X509Certificate(pem).raw);
}
