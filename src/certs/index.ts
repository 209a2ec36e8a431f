export { type InspectingAuthority, inspectingAuthority } from './inspecting.ts';
export { loadCertificates } from './store.ts';
export type {
  CertificateAuthority,
  CertificateOptions,
  CertificateStore,
  LeafCertificate,
  LeafRequest,
  NameConstraints,
  PermittedNames,
  SpecialKind,
} from './types.ts';
