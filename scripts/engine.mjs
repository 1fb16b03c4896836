// Runs the built engine in this very process: `npm run --silent engine -- --data-root DIR …`
await import('../build/engine/engine.mjs');
