import type { Response } from 'undici';
import type { TestProvider } from './identity-provider.ts';

/** A page with what a person can see and use of it. */
export interface SeenPage {
  readonly status: number;
  /** Address that the page came from. */
  readonly url: string;
  readonly html: string;
  readonly heading: string;
  readonly headers: Response['headers'];
}

/** Where the browser was sent out of the provider, to the app. */
export interface SentToApp {
  readonly location: string;
  readonly parameters: URLSearchParams;
}

export type Visit = SeenPage | SentToApp;

export function isPage(visit: Visit): visit is SeenPage {
  return 'html' in visit;
}

/**
 * The least browser that can sign in: cookies, redirects within the provider, forms without scripts. It fails loudly
 * when a form lacks what a browser needs.
 */
export class FormBrowser {
  readonly #provider: Pick<TestProvider, 'origin' | 'fetch'>;
  readonly cookies = new Map<string, string>();
  page: SeenPage | undefined;

  constructor(provider: Pick<TestProvider, 'origin' | 'fetch'>) {
    this.#provider = provider;
  }

  get(url: string): Promise<Visit> {
    return this.#visit(url, {});
  }

  /** Fills in the form of the page (the one with a field of the given names, or the first) and presses a button. */
  submit(fields: Record<string, string> = {}, from = this.page!): Promise<Visit> {
    const forms = [...from.html.matchAll(/<form method="post" action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)];
    const names = Object.keys(fields);
    const form = forms.find(([, , content]) => names.every((name) => content!.includes(`name="${name}"`))) ?? forms[0];
    if (!form) throw new Error(`No form on the page "${from.heading}".`);
    const values = new URLSearchParams();
    for (const [input] of form[2]!.matchAll(/<input\b[^>]*>/g)) {
      const name = attribute(input, 'name');
      if (name !== undefined && attribute(input, 'type') !== 'checkbox')
        values.set(name, attribute(input, 'value') ?? '');
    }
    for (const [name, value] of Object.entries(fields)) values.set(name, value);
    return this.#visit(new URL(decodeHtml(form[1]!), from.url).href, { form: values });
  }

  async #visit(url: string, how: { form?: URLSearchParams }): Promise<Visit> {
    let target = new URL(url, this.#provider.origin);
    let form = how.form;
    for (let hop = 0; hop < 10; hop++) {
      const response = await this.#provider.fetch(target.href, {
        method: form ? 'POST' : 'GET',
        headers: {
          cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(form && { 'content-type': 'application/x-www-form-urlencoded', origin: this.#provider.origin }),
        },
        ...(form && { body: form.toString() }),
      });
      for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
      const location = response.headers.get('location');
      if (location === null) {
        const html = await response.text();
        const heading = decodeHtml(/<h1>([\s\S]*?)<\/h1>/.exec(html)?.[1] ?? '');
        this.page = { status: response.status, url: target.href, html, heading, headers: response.headers };
        return this.page;
      }
      await response.body?.cancel();
      const next = new URL(location, target);
      if (next.origin !== this.#provider.origin) {
        const answer = next.hash === '' ? next.searchParams : new URLSearchParams(next.hash.slice(1));
        return { location, parameters: answer };
      }
      target = next;
      form = undefined;
    }
    throw new Error('Too many redirects.');
  }

  #keep(cookie: string): void {
    const [pair, ...attributes] = cookie.split(';');
    const [name, value] = pair!.split('=');
    if (attributes.some((one) => one.trim() === 'Max-Age=0')) this.cookies.delete(name!);
    else this.cookies.set(name!, value!);
  }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : decodeHtml(value);
}

function decodeHtml(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`', amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|#39|#96|amp);/g, (_, name: string) => entities[name]!);
}
