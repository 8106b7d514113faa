import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { defineConfig, type Plugin } from "vite";

/** sw.js in one file, with the names of what the shell needs; MapLibre is left out. */
function serviceWorker(): Plugin {
  return {
    name: "citybrain-service-worker",
    apply: "build",
    async generateBundle(_options, bundle) {
      const shell = Object.keys(bundle)
        .filter((name) => /\.(js|css)$/.test(name) && !name.includes("maplibre"))
        .map((name) => "/" + name)
        .sort();
      const built = await build({
        entryPoints: [fileURLToPath(new URL("./src/sw.js", import.meta.url))],
        bundle: true, write: false, minify: true, charset: "utf8", format: "iife", target: "es2020",
        define: { __SHELL__: JSON.stringify(shell) },
      });
      this.emitFile({ type: "asset", fileName: "sw.js", source: built.outputFiles[0].text });
    },
  };
}

/** x.gz beside each text file: the gateway sends it to who takes gzip. */
function gzip(): Plugin {
  return {
    name: "citybrain-gzip",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (!/\.(js|css|svg|webmanifest)$/.test(name)) continue;
          const source = file.type === "chunk" ? file.code : file.source;
          this.emitFile({ type: "asset", fileName: name + ".gz", source: gzipSync(source, { level: 9 }) });
        }
      },
    },
  };
}

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../build/web",
    emptyOutDir: true,
    target: "es2020",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // no data: URLs, the pages' CSP has none
    chunkSizeWarningLimit: 1200,
  },
  plugins: [serviceWorker(), gzip()],
  server: { proxy: { "/api": process.env.CITYBRAIN_GATEWAY ?? "http://127.0.0.1:8080" } },
  test: { include: ["tests/unit/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
