export const run = { title: 'run' };
