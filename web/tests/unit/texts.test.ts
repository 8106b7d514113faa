import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";

const files = ["src", "src/pages", "src/ui", "src/live", "src/lib"].flatMap((folder) =>
  readdirSync(folder).filter((f) => /\.tsx?$/.test(f)).map((f) => `${folder}/${f}`));

describe("components", () => {
  it("are looked at", () => expect(files.length).toBeGreaterThan(20));

  it.each(files)("%s has no words of its own", (file) => {
    const code = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "").replace(/\/\[?[^/\n]*[\u4e00-\u9fff|][^/\n]*\/\.test/g, "");
    expect(code.match(/[\u4e00-\u9fff]+/g)).toBeNull();
    // text between tags: letters that are no unit
    const texts = [...code.matchAll(/<[a-z][^<>{}]*>([^<>{}]*[A-Za-z]{3,}[^<>{}]*)<\//g)].map((m) => m[1].trim()).filter((w) => w !== "fps");
    expect(texts).toEqual([]);
  });

  it.each(files)("%s sets no style from markup and no inline script, which the CSP would refuse", (file) => {
    const code = readFileSync(file, "utf8");
    expect(code).not.toMatch(/style="|dangerouslySetInnerHTML|innerHTML|\beval\(|new Function/);
  });
});
