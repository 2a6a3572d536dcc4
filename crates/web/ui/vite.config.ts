import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

import own from './package.json' with { type: 'json' }

export default defineConfig({
  define: { 'import.meta.env.VITE_WAXWING_VERSION': JSON.stringify(own.version) },
  plugins: [svelte()],
  build: {
    target: ['chrome120', 'firefox121', 'safari17.2'],
    // Nothing becomes a `data:` address, which the page's policy would not let through everywhere.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What every screen shares is one file; parts that only some need have folders of their own.
        codeSplitting: { groups: [{ name: 'base', test: /node_modules\/(svelte|virtua|esm-env|clsx)\/|\/src\/(parts|lib|state|core)\/[^/]+$/ }] },
      },
    },
  },
  worker: { format: 'es' },
  test: { include: ['src/**/*.test.ts'] },
})
