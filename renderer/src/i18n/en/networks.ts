export const networks = { title: 'networks' };
