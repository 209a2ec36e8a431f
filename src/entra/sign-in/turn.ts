import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IdentityContext, SharedContext } from '../context/context.ts';
import { contextOf } from '../oauth/http.ts';
import { Browser } from './browser.ts';
import type { SignIns } from './flows.ts';

/** One browser request during a sign-in, with everything needed to respond. */
export interface Turn {
  readonly context: IdentityContext;
  readonly signIns: SignIns;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly browser: Browser;
}

/** Reads the browser's cookies. */
export function turnOf(shared: SharedContext, signIns: SignIns, request: FastifyRequest, reply: FastifyReply): Turn {
  const context = contextOf(shared, request);
  return { context, signIns, request, reply, browser: new Browser(context, request, reply) };
}
