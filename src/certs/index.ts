export { loadCertificates } from './store.ts';
export type {
  CertificateAuthority,
  CertificateOptions,
  CertificateStore,
  LeafCertificate,
  LeafRequest,
  PermittedNames,
} from './types.ts';
