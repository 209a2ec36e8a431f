import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IdentityContext, SharedContext } from '../context/context.ts';
import { contextOf } from '../oauth/http.ts';
import { Browser } from './browser.ts';
import type { SignIns } from './flows.ts';

/** One request of a browser on its way through a sign-in, with all that an answer takes. */
export interface Turn {
  readonly context: IdentityContext;
  readonly signIns: SignIns;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly browser: Browser;
}

/** Reads what the browser shows of itself. */
export function turnOf(shared: SharedContext, signIns: SignIns, request: FastifyRequest, reply: FastifyReply): Turn {
  const context = contextOf(shared, request);
  return { context, signIns, request, reply, browser: new Browser(context, request, reply) };
}
