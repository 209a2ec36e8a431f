export type { CertificateIssuer } from './certificate-site.ts';
export { type Har, harOf } from './har.ts';
export { createOnPremises, type OnPremises, type OnPremisesSettings } from './on-premises.ts';
export type { Onward, OnwardRequest } from './onward.ts';
export { type PacSettings, pacFile } from './pac.ts';
export { patternChunk } from './pattern.ts';
export type { Inspector } from './proxy-inspection.ts';
export { RequestRecorder } from './recorder.ts';
export type { DatagramService, OnPremisesHost, StreamService } from './types.ts';
