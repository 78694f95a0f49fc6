import { defineConfig } from 'vite';

// Not minified: that takes longer than the page is read, and an error would lose its name.
export default defineConfig({
  base: './',
  build: { minify: false, chunkSizeWarningLimit: 20_000 },
});
