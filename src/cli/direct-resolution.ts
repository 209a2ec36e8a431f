import module from 'node:module';

/**
 * Skips Node.js's search for our own files. They import each other by complete relative paths, so the URL is sufficient;
 * Node.js would also check each for symbolic links and for its package, which takes a tenth of a start. Everything else is
 * resolved as usual.
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
