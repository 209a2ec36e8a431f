import type { FastifyInstance } from 'fastify';
import { html } from '../lib/html.ts';
import { type PacSettings, pacFile } from './pac.ts';
import { page } from './page.ts';
import { PROXY_NAME } from './proxy-access.ts';

interface ProxySiteOptions {
  readonly pac: () => PacSettings;
  /** PEM of the mock network's CA, and of the inspecting proxy's CA. */
  readonly ca: string;
  readonly inspectingCa: () => Promise<string>;
}

/**
 * Files that the proxies serve over plain HTTP. Routes: `/` (page), `/proxy.pac` and `/wpad.dat` (the PAC file), `/ca.pem`,
 * `/inspecting-ca.pem`.
 */
export function addProxySite(app: FastifyInstance, { pac, ca, inspectingCa }: ProxySiteOptions): void {
  for (const path of ['/proxy.pac', '/wpad.dat']) {
    app.get(path, async (_request, reply) =>
      // The media type that browsers expect; it is not registered.
      reply.type('application/x-ns-proxy-autoconfig').header('cache-control', 'no-cache').send(pacFile(pac())),
    );
  }
  const pem = 'application/x-pem-file';
  app.get('/ca.pem', async (_request, reply) => reply.type(pem).send(ca));
  app.get('/inspecting-ca.pem', async (_request, reply) => reply.type(pem).send(await inspectingCa()));
  app.get('/', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(
      page(
        'Contoso Proxy',
        html`<table>
<tr><th scope="row">${PROXY_NAME}:3128</th><td>as services.proxy.mode says</td></tr>
<tr><th scope="row">port 3129</th><td>lets clients go where services.proxy.allow says</td></tr>
<tr><th scope="row">port 3130</th><td>asks for a user name and a password</td></tr>
<tr><th scope="row">port 3131</th><td>asks too, and reads what is encrypted</td></tr>
</table>
<p><a href="/proxy.pac">/proxy.pac</a>: the PAC file. <a href="/inspecting-ca.pem">/inspecting-ca.pem</a>: the CA that clients of port 3131
have to trust. <a href="/ca.pem">/ca.pem</a>: that of the mock network.</p>`,
      ),
    ),
  );
}
