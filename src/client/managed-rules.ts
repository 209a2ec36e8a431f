import type { AppConfiguration } from './app-configuration.ts';

const TUNNEL = 'com.microsoft.tunnel.';
const BROWSER = 'com.microsoft.intune.mam.managedbrowser.';
/** Edge for iOS and Edge for Android, which policies treat alike. */
const EDGE: ReadonlySet<string> = new Set(['com.microsoft.msedge', 'com.microsoft.emmx']);

/** What an app does according to its policies. */
export interface AppRules {
  /** The configuration passed to the SDK. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether there is a gateway to connect to. */
  readonly hasTunnel: boolean;
  /** Why it connects automatically; undefined: it does not. */
  readonly connect: string | undefined;
  /** Why it does not: a sentence. */
  readonly why: string;
  /** Strict mode: nothing is opened without a tunnel. Only Edge has this key ("Microsoft Tunnel for MAM", learn.microsoft.com). */
  readonly strict: boolean;
}

/** What policies mean for an app of this platform ("MAM Tunnel for iOS" and "MAM Tunnel for Android", learn.microsoft.com). */
export function appRules(
  { app, platform }: { readonly app: string; readonly platform: 'ios' | 'android' },
  { settings, protection, notes }: AppConfiguration,
): AppRules {
  const edge = EDGE.has(app.toLowerCase());
  const isTrue = (key: string): boolean => Object.hasOwn(settings, key) && /^true$/i.test(settings[key]!.trim());
  const given = platform === 'android' && !edge ? withoutPac(settings) : settings;
  const hasTunnel = Object.keys(settings).some((key) => key.startsWith(TUNNEL));
  const strict = edge && isTrue(`${BROWSER}StrictTunnelMode`);
  const none = (why: string): AppRules => ({ settings: given, hasTunnel, connect: undefined, why, strict });
  if (!hasTunnel) {
    return none(
      notes.length === 0
        ? 'No policy has settings for a tunnel.'
        : `No policy has settings for a tunnel. ${notes.join(' ')}`,
    );
  }
  const goes = (connect: string): AppRules => ({ settings: given, hasTunnel, connect, why: '', strict });
  if (edge && isTrue(`${BROWSER}TunnelAvailable.IntuneMAMOnly`)) {
    return goes('a work account uses Edge, and identity switch is on');
  }
  if (platform === 'android') {
    return protection?.connectToVpnOnLaunch
      ? goes('the app protection policy starts it with the app')
      : none('The app protection policy does not start the tunnel with the app (connectToVpnOnLaunch).');
  }
  return edge
    ? none(`Identity switch is off: ${BROWSER}TunnelAvailable.IntuneMAMOnly is not True.`)
    : goes('the SDK starts it with the app');
}

/** On Android, PAC scripts work in Edge only; other apps use host and port ("MAM Tunnel for Android", learn.microsoft.com). */
function withoutPac(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { [`${TUNNEL}proxy_pacurl`]: _, ...rest } = settings;
  return rest;
}
