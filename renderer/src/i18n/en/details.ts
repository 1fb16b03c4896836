export const details = { title: 'details' };
