import module from 'node:module';

/**
 * Spares Node.js the search for our own files. They name each other by whole relative paths, so the URL is all there is to find out;
 * Node.js would also look at each for links and for the package that it belongs to, which is a tenth of a start. Everything else is
 * found in the usual way.
 */
export function resolveOwnFilesDirectly(): void {
  const own = new URL('../', import.meta.url).href;
  module.registerHooks?.({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      if (!/^\.\.?\//.test(specifier) || !parentURL?.startsWith(own)) return next(specifier, context);
      const format = specifier.endsWith('.ts') ? 'module-typescript' : 'module';
      return { url: new URL(specifier, parentURL).href, format, shortCircuit: true };
    },
  });
}
