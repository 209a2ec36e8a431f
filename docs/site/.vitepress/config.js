// The site of the pages in docs/: `npm run docs` builds it into docs/site/dist. It loads nothing from the network.
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { defineConfig } from 'vitepress';
import { anchorSlug } from './anchor-slug.js';

const docs = resolve(import.meta.dirname, '../..');
const repository = dirname(docs);

/** Groups of links for the sidebar, from the headings and lists of docs/README.md. */
function sidebar() {
  const groups = [];
  for (const line of readFileSync(join(docs, 'README.md'), 'utf8').split('\n')) {
    const heading = /^## (.+)$/.exec(line);
    if (heading) groups.push({ text: heading[1], collapsed: false, items: [] });
    for (const [, text, page] of line.matchAll(/\[([^\]]+)\]\(([^)]+)\.md\)/g)) {
      groups.at(-1).items.push({ text, link: `/${page}` });
    }
  }
  return groups;
}

/** Links to files of the repository that are no pages of the site become text with the path. */
function repositoryLinks(md) {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      let open;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const target = token.attrGet('href');
          if (/^([a-z]+:|#)/.test(target)) continue;
          const path = resolve(dirname(env.path), target.split('#')[0]);
          if (path.startsWith(docs + sep) && /\.md$/.test(path)) continue;
          open = token;
          token.tag = 'span';
          token.attrs = [['title', `In the repository: ${relative(repository, path)}`]];
        } else if (token.type === 'link_close' && open) {
          token.tag = 'span';
          open = undefined;
        }
      }
    }
  });
}

/** Mermaid blocks are drawn in the browser, by theme/Diagram.vue. */
function diagrams(md) {
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index];
    if (info.trim() !== 'mermaid') return fence(tokens, index, ...rest);
    return `<Diagram source="${encodeURIComponent(content)}" />`;
  };
}

/** Pages are compiled to modules above the folder that has node_modules: what they import is looked up here. */
const packagesOfThisFolder = {
  name: 'packages-of-this-folder',
  enforce: 'pre',
  resolveId(name, importer, options) {
    if (!/^vue(\/|$)/.test(name) || !importer?.endsWith('.md')) return null;
    return this.resolve(name, join(import.meta.dirname, 'theme/index.js'), { ...options, skipSelf: true });
  },
};

export default defineConfig({
  title: 'Tunnelite',
  description: 'A local Microsoft Tunnel Gateway',
  srcDir: '..',
  srcExclude: ['site/**'],
  outDir: 'dist',
  rewrites: { 'README.md': 'index.md' },
  lastUpdated: false,
  markdown: {
    // Pages have no HTML: what looks like a tag is a placeholder such as <file>.
    html: false,
    anchor: { slugify: anchorSlug },
    config(md) {
      md.use(repositoryLinks);
      md.use(diagrams);
    },
  },
  vite: {
    plugins: [packagesOfThisFolder],
    // The search index and the code that draws diagrams are large, and load when they are needed.
    build: { chunkSizeWarningLimit: 3000 },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: sidebar(),
  },
});
