import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { html } from '../lib/html.ts';
import { page, row } from './page.ts';
import { isTls, type SiteTools } from './site.ts';

/** Creates client certificates for tests. */
export interface CertificateIssuer {
  /** PEM of the CA. */
  readonly ca: string;
  special(
    kind: 'intermediate' | 'self-signed' | 'expired' | 'client',
    request: { readonly dnsNames: readonly string[]; readonly ips: readonly string[]; readonly commonName?: string },
  ): Promise<{ readonly certPem: string; readonly keyPem: string }>;
}

/**
 * Content of the hosts with various certificates. Routes: `/` (page or JSON: the server's certificate and the client's), and over plain
 * HTTP also `/ca.pem` and `/client.pem` (a new certificate and key).
 */
export function addCertificateSite(
  app: FastifyInstance,
  { visitorOf, clock }: SiteTools,
  issuer: CertificateIssuer,
): void {
  app.get('/', async (request, reply) => {
    const facts = factsOf(request, issuer, clock.now());
    if (!request.headers.accept?.includes('text/html')) return facts;
    return reply.type('text/html; charset=utf-8').send(
      page(
        'Contoso Certificates',
        html`<table>
${row('Host', facts.host)}
${row('Encryption', facts.tls ?? 'none (plain HTTP)')}
${row('Client certificate', facts.client?.subject)}
${row('Is it valid?', facts.client?.explanation)}
</table>
<p><a href="/ca.pem">/ca.pem</a>: the CA to trust. <a href="/client.pem">/client.pem</a>: a client certificate and its key.</p>`,
      ),
    );
  });
  const pem = 'application/x-pem-file';
  app.get('/ca.pem', async (_request, reply) => reply.type(pem).send(issuer.ca));
  app.get('/client.pem', async (request, reply) => {
    const person = visitorOf(request)?.person;
    const commonName = person?.signInName ?? person?.username ?? 'client';
    const { certPem, keyPem } = await issuer.special('client', { dnsNames: [], ips: [], commonName });
    return reply
      .type(pem)
      .header('cache-control', 'no-store')
      .send(keyPem + certPem);
  });
  app.addHook('onRequest', async (request, reply) => {
    const { client } = factsOf(request, issuer, clock.now());
    if (client && !client.good) return reply.code(403).send({ error: client.explanation });
  });
}

function factsOf(request: FastifyRequest, issuer: CertificateIssuer, now: number) {
  const socket = request.raw.socket;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return {
    host: request.host,
    tls: isTls(request) ? ((socket as TLSSocket).getProtocol() ?? null) : null,
    client: certificate ? verdictOf(certificate, new X509Certificate(issuer.ca), now) : null,
  };
}

/** Purpose “client” (RFC 5280 §4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

function verdictOf(certificate: X509Certificate, ca: X509Certificate, now: number) {
  const { subject, issuer, fingerprint256: fingerprint, validFrom, validTo } = certificate;
  const problem =
    !certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)
      ? 'it is not from the CA of the mock network'
      : Date.parse(validTo) < now || Date.parse(validFrom) > now
        ? `it is valid only from ${validFrom} to ${validTo}`
        : certificate.keyUsage?.includes(CLIENT_AUTH)
          ? undefined
          : 'it is not for clients';
  const explanation =
    problem === undefined
      ? 'The certificate is valid.'
      : `The client’s certificate is refused: ${problem}. Get one from /client.pem over plain HTTP.`;
  return { subject, issuer, fingerprint, good: problem === undefined, explanation };
}
