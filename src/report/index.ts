export { packReport } from './pack.ts';
export { Redactor, secretsOf } from './redact.ts';
export { serveReport } from './serve.ts';
export { type Report, readReport, unpackReport } from './unpack.ts';
