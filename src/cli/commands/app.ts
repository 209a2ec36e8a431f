import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { BuildSettings, XcconfigFile } from '../../intune/app-check/index.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { type Command, command, repeated } from '../context/command.ts';
import { configFromArgs, fileOptions } from '../context/config-options.ts';
import { EXIT } from '../context/io.ts';

const check = command({
  args: {
    'info-plist': { type: 'positional', description: 'The Info.plist with IntuneMAMSettings' },
    ...fileOptions,
    registration: {
      type: 'string',
      alias: 'r',
      valueHint: 'file',
      description: 'Output of "az ad app show --id <client id>"; default: the configured directory',
    },
    tenant: { type: 'string', valueHint: 'id', description: 'Tenant of the registration' },
    'bundle-id': { type: 'string', valueHint: 'id', description: 'Bundle id, if Info.plist has a build setting' },
    'build-setting': {
      type: 'string',
      valueHint: 'NAME=value',
      description: 'A build setting, as NAME=value; repeatable',
    },
    xcconfig: { type: 'string', valueHint: 'file', description: 'Xcode configuration with build settings; repeatable' },
    json: { type: 'boolean', description: 'Print the findings as JSON' },
  },
  async run({ args, rawArgs, io }) {
    const [
      { checkAppRegistration, formatAppFindings, parseXcconfig, readAppSettings },
      registrations,
      { Directory },
      { checkDirectory },
      { identityHosts },
    ] = await Promise.all([
      import('../../intune/app-check/index.ts'),
      import('../../intune/app-check/app-registration.ts'),
      import('../../entra/index.ts'),
      import('../../simulator/check-directory.ts'),
      import('../../simulator/names.ts'),
    ]);
    const infoPlist = readText(args['info-plist'] ?? '');
    const options = {
      ...(args['bundle-id'] ? { bundleId: args['bundle-id'] } : {}),
      buildSettings: {
        ...repeated(rawArgs, 'xcconfig').reduce<BuildSettings>((before, file) => {
          const { text, include } = xcconfigFile(file);
          return parseXcconfig(text, include, before);
        }, {}),
        ...Object.fromEntries(repeated(rawArgs, 'build-setting').map(settingOf)),
      },
    };
    let authorityHosts: readonly string[] = [];
    let registration: Parameters<typeof checkAppRegistration>[0] | undefined;
    if (args.registration) {
      registration = registrations.registrationFromGraph(readText(args.registration), args.tenant);
    } else {
      const loaded = configFromArgs(args, rawArgs, io);
      const { config } = loaded;
      const directory = checkDirectory(loaded) ?? new Directory();
      // The tenant is the built-in one, so an app under test may sign in there.
      authorityHosts = identityHosts(config);
      const tenant = args.tenant ? directory.tenant(args.tenant) : directory.defaultTenant;
      const { clientId } = readAppSettings(infoPlist, options);
      const first = tenant.applications[Symbol.iterator]().next().value?.appId;
      // Without a match, the comparison with the only existing app shows what to change.
      for (const id of [clientId, first])
        registration ??= (id && registrations.registrationFromDirectory(tenant, id)) || undefined;
    }
    if (!registration) {
      throw new TunneliteError('ERR_CLI_USAGE', 'The directory has no app registration to compare with.', {
        hint: 'Use --registration, or add one under identity.directory.',
      });
    }
    const findings = checkAppRegistration(registration, infoPlist, { ...options, authorityHosts });
    io.out(args.json ? `${JSON.stringify({ findings })}\n` : formatAppFindings(findings));
    return findings.some((finding) => finding.level === 'error') ? EXIT.failed : EXIT.ok;
  },
});

const group: Command = {
  subCommands: {
    check: {
      description: 'Compare an app registration with the Info.plist of an Xcode project',
      load: async () => check,
    },
  },
};
export default group;

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `${file} cannot be read: ${errorText(cause)}.`, {
      hint: 'Use a readable Info.plist, .xcconfig file or manifest.',
      cause,
    });
  }
}

/** Paths of included files are relative to the folder of the file that includes them. */
function xcconfigFile(file: string): XcconfigFile {
  return {
    text: readText(file),
    include: (path) => {
      const target = resolve(dirname(file), path);
      return existsSync(target) ? xcconfigFile(target) : undefined;
    },
  };
}

function settingOf(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw new TunneliteError('ERR_CLI_USAGE', `"--build-setting ${pair}" is not valid.`, {
    hint: 'Write --build-setting NAME=value.',
  });
}
