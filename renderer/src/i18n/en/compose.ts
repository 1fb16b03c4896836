export const compose = { title: 'compose' };
