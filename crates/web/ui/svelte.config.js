/** @type {import('@sveltejs/vite-plugin-svelte').SvelteConfig} */
export default {
  compilerOptions: {
    // Elements are made one by one: the page's policy (Trusted Types) lets nobody write HTML from text.
    fragments: 'tree',
  },
}
