import { DEVICE_POLL_INTERVAL } from '../context/constants.ts';
import { Grants } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { recallAccount } from './accounts.ts';
import { finishUserGrant, type GrantHandler, requestedScope } from './token-grants.ts';

/** Polling with a device code (Microsoft: "OAuth 2.0 device authorization grant flow"). */
export const grantByDeviceCode: GrantHandler = async (context, request, client, name) => {
  const { parameters } = request;
  const secret = parameters.get('device_code') ?? parameters.get('code');
  if (secret === undefined) throw new AadstsError(900144, { field: 'device_code' });
  const device = context.grants.devices.get(Grants.key(secret));
  if (!device || device.clientId.toLowerCase() !== client.app.appId.toLowerCase()) throw new AadstsError(70018);
  const now = context.clock.now();
  if (device.expires <= now) throw new AadstsError(70019);
  if (device.state === 'declined') throw new AadstsError(70020);
  if (device.state === 'redeemed') throw new AadstsError(54005);
  if (device.state === 'pending' || !device.signIn) {
    const early = now - device.polled < DEVICE_POLL_INTERVAL * 500;
    device.polled = now;
    throw new AadstsError(early && context.behaviour.slowDown ? 70021 : 70016);
  }
  const account = recallAccount(context, device.signIn, request.authority, client.app.appId);
  device.state = 'redeemed';
  return finishUserGrant(context, request, client, {
    grant: name,
    account,
    signIn: device.signIn,
    scope: requestedScope(request, device.scope),
    refresh: 'if-asked',
  });
};
