/** What a new project starts with: runs at once with the starter image. */
export const projectTemplate = `services:
  web:
    image: busybox:latest
    command: ["httpd", "-f", "-p", "80", "-h", "/www"]
    ports:
      - "8080:80"
    volumes:
      - www:/www
    restart: unless-stopped

volumes:
  www:
`;

/** The rule of compose for project names. */
export function isProjectName(name: string): boolean {
  return /^[a-z0-9][a-z0-9_-]*$/.test(name);
}
