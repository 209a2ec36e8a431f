import { request } from 'node:https';
import { isIP } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { checkServerIdentity } from 'node:tls';
import { Headers, Response } from 'undici';
import { bareHost } from '../../src/lib/endpoint.ts';

/** What is sent; redirects are not followed. */
export interface MappedRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A text, or something that is one when it is asked for it, such as `URLSearchParams`. */
  readonly body?: unknown;
}

export type MappedFetch = (url: string | URL, init?: MappedRequest) => Promise<Response>;

/**
 * A `fetch` as one has it who reaches a server of this machine by whatever name the URL has: by that name in SNI, certificate and
 * Host, while the connection goes to 127.0.0.1, as a port mapping or an emulator's network has it.
 *
 * @param server its true port, and the PEM of the CA that is trusted
 */
export function mappedFetch({ port, ca }: { readonly port: string | number; readonly ca: string }): MappedFetch {
  return (url, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const { host, hostname, pathname, search } = new URL(url);
      const name = bareHost(hostname);
      request({
        ...{ host: '127.0.0.1', port, path: pathname + search, ca, agent: false, method },
        servername: isIP(name) ? '' : name,
        checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
        headers: { host, ...headers },
      })
        .on('response', (response) => {
          const answer = new Headers();
          for (const [key, values] of Object.entries(response.headersDistinct)) {
            for (const value of values ?? []) answer.append(key, value);
          }
          const status = response.statusCode!;
          buffer(response).then((bytes) => resolve(new Response(bytes, { status, headers: answer })), reject);
        })
        .on('error', reject)
        .end(body === undefined || body === null ? undefined : String(body));
    });
}
