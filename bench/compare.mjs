// Rounds in turn and what is printed of them: medians and ratios, since these machines are noisy.

/** One warm-up of each competitor, then rounds in turn; ms by competitor. */
async function measureInTurn(rounds, competitors) {
  const times = competitors.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, { work }] of competitors.entries()) {
      const started = performance.now();
      // What a piece of work answers, it has measured itself.
      const own = await work();
      const elapsed = typeof own === 'number' ? own : performance.now() - started;
      if (round >= 0) times[index].push(elapsed);
    }
  }
  return times;
}

/** Measures and prints; the first competitor is ours. `limit`: times of the bare kernel work. */
export async function compare(title, rounds, competitors, limit) {
  const times = await measureInTurn(rounds, competitors);
  const ours = median(times[0]);
  console.log(title);
  if (limit)
    console.log(
      `  ${'limit'.padEnd(8)} ${show(limit)}   ours is ${(ours / median(limit)).toFixed(1)} × that`,
    );
  for (const [index, { name }] of competitors.entries()) {
    const ratio = index === 0 ? '' : `   ${(median(times[index]) / ours).toFixed(1)} × ours`;
    console.log(`  ${name.padEnd(8)} ${show(times[index])}${ratio}`);
  }
}

function show(times) {
  return `${quantile(times, 0.1).toFixed(1)} / ${median(times).toFixed(1)}`;
}

function median(list) {
  return quantile(list, 0.5);
}

function quantile(list, fraction) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}
