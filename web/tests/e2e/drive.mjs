// Drives Chromium against a running gateway: node drive.mjs SCENARIO WORLD.json (tests/e2e/test_web.py).
// What went wrong is on standard error and in the exit code; screenshots are in world.out.
import { end, said, same } from "./browser.mjs";
import { scenarios } from "./scenarios.mjs";

const name = process.argv[2];
try {
  await scenarios[name]();
  same(said, [], "the console");
  await end();
} catch (e) {
  console.error(e, said);
  await end(name);
  process.exitCode = 1;
}
