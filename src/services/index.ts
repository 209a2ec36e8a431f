export type { CertificateIssuer } from './certificate-site.ts';
export { createOnPremises, type OnPremises } from './on-premises.ts';
export { patternChunk } from './pattern.ts';
export type { DatagramService, OnPremisesHost, StreamService } from './types.ts';
