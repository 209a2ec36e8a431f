import type { IdentityContext, RequestContext } from '../context/context.ts';
import type { Application } from '../directory/schema.ts';
import { AadstsError } from '../errors/aadsts-error.ts';

/** The page of another origin that a browser sent the request for. */
function foreignOrigin(
  context: Pick<IdentityContext, 'origin'>,
  { origin }: Pick<RequestContext, 'origin'>,
): string | undefined {
  return origin === context.origin() ? undefined : origin;
}

/**
 * What was issued to a single page app is redeemed from a page, and nothing else is.
 *
 * @param spa the code or refresh token is of a single page app
 * @throws AadstsError 9002326 from a page, without being for one; 9002327 the other way round
 */
export function checkRedemption(
  context: Pick<IdentityContext, 'origin'>,
  request: Pick<RequestContext, 'origin'>,
  spa: boolean,
): void {
  const origin = foreignOrigin(context, request);
  if (origin !== undefined && !spa) throw new AadstsError(9002326, { origin });
  if (origin === undefined && spa) throw new AadstsError(9002327);
}

/** Other grants may be used from a page by an app that has such a platform. @throws AadstsError 9002326 */
export function refuseForeignPage(
  context: Pick<IdentityContext, 'origin'>,
  request: Pick<RequestContext, 'origin'>,
  app: Pick<Application, 'spaRedirectUris'>,
): void {
  const origin = foreignOrigin(context, request);
  if (origin !== undefined && app.spaRedirectUris.length === 0) throw new AadstsError(9002326, { origin });
}
