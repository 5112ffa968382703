// Lays the front-end libraries that pages use into app/static/vendor, so that a running installation needs no Node.
// Run by `make assets`, after `npm ci`. The result is committed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const vendor = join(root, "app/static/vendor");

const files = {
  "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
  "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
  "htmx.min.js": "htmx.org/dist/htmx.min.js",
  "tom-select.min.js": "tom-select/dist/js/tom-select.complete.min.js",
  "tom-select.bootstrap5.min.css": "tom-select/dist/css/tom-select.bootstrap5.min.css",
};
// Where a package ships no licence file, its package.json names the licence and its repository holds the text.
const packages = ["@tabler/core", "@tabler/icons", "htmx.org", "tom-select"];

const remote = /url\(\s*["']?(?:https?:)?\/\/|@import/i;

function library(target, source) {
  const text = readFileSync(join(modules, source), "utf8");
  if (source.endsWith(".css") && remote.test(text)) throw new Error(`${source} loads something from elsewhere`);
  // Tom Select's theme reads Bootstrap's own variables; Tabler has the same ones under another prefix.
  const themed = target.startsWith("tom-select") && target.endsWith(".css") ? text.replaceAll("--bs-", "--tblr-") : text;
  return themed.replace(/\n?(\/\/# sourceMappingURL=\S+|\/\*# sourceMappingURL=[^*]+\*\/)\s*$/, "\n"); // maps are not shipped
}

function symbol(name) {
  const svg = readFileSync(join(modules, `@tabler/icons/icons/outline/${name}.svg`), "utf8");
  const shapes = svg
    .slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"))
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/, "")
    .replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`;
}

function licence(name) {
  const about = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  const head = `${name} ${about.version} (${about.license})\n${about.homepage ?? ""}`.trim();
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt"]) {
    try {
      return `${head}\n\n${readFileSync(join(modules, name, file), "utf8").trim()}\n`;
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
  }
  return `${head}\n`;
}

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });
for (const [target, source] of Object.entries(files)) writeFileSync(join(vendor, target), library(target, source));

const names = readFileSync(join(root, "assets/icons.txt"), "utf8")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"));
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">\n${[...new Set(names)].sort().map(symbol).join("\n")}\n</svg>\n`;
writeFileSync(join(vendor, "icons.svg"), sprite);
writeFileSync(join(vendor, "LICENSES.txt"), packages.map(licence).join(`\n${"-".repeat(80)}\n\n`));
console.log(`${Object.keys(files).length} libraries and ${names.length} icons in app/static/vendor`);
