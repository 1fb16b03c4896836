export const images = { title: 'images' };
