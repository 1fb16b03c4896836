// `npm run bench -- NAME`: speed and memory are claimed from here only, ours and the peers in turn in one run.
const BENCHES = {
  build: () => import('./build.mjs'),
  images: () => import('./images.mjs'),
  lifecycle: () => import('./lifecycle.mjs'),
  logs: () => import('./logs.mjs'),
  network: () => import('./network.mjs'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHES[name];
if (!load) {
  console.error(`bench: give a name, one of: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const { run } = await load();
await run(args);
