export const volumes = { title: 'volumes' };
