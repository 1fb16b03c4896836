/** A database and a page that shows and takes what is in it, both of one tree of Debian packages. */
export interface Stack {
  packages: string[];
  /** Where the database keeps its data: a named volume. */
  data: string;
  /** Dockerfiles; their base image is the tree. */
  database: string;
  web: string;
}

/** Small enough for every run of the tests. */
export const SMALL: Stack = {
  packages: ['redis-server', 'python3-redis'],
  data: '/var/lib/redis',
  database: `FROM debian-tree
VOLUME /var/lib/redis
WORKDIR /var/lib/redis
USER redis
CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--appendonly", "yes", "--appendfsync", "always"]
`,
  web: `FROM debian-tree
COPY <<'END' /srv/page.py
import http.server, redis
database = redis.Redis(host='db', decode_responses=True)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer('\\n'.join(database.lrange('posts', 0, -1)))
    def do_POST(self):
        database.rpush('posts', self.rfile.read(int(self.headers['Content-Length'])))
        self.answer('')
    def answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
http.server.ThreadingHTTPServer(('', 80), Page).serve_forever()
END
EXPOSE 80
CMD ["python3", "/srv/page.py"]
`,
};

/** What WordPress runs on. */
export const WORDPRESS_LIKE: Stack = {
  packages: ['mariadb-server', 'apache2', 'libapache2-mod-php', 'php-mysql'],
  data: '/var/lib/mysql',
  database: `FROM debian-tree
RUN mkdir -p /run/mysqld && chown mysql:mysql /run/mysqld
COPY <<'END' /etc/first.sql
CREATE DATABASE IF NOT EXISTS blog;
CREATE TABLE IF NOT EXISTS blog.posts (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200));
CREATE USER IF NOT EXISTS web IDENTIFIED BY 'secret';
GRANT ALL ON blog.* TO web;
END
VOLUME /var/lib/mysql
CMD ["mariadbd", "--user=mysql", "--bind-address=0.0.0.0", "--init-file=/etc/first.sql"]
`,
  web: `FROM debian-tree
RUN rm /var/www/html/index.html
COPY <<'END' /var/www/html/index.php
<?php
$blog = new mysqli('db', 'web', 'secret', 'blog');
if ($_SERVER['REQUEST_METHOD'] === 'POST')
    $blog->execute_query('INSERT INTO posts (text) VALUES (?)', [file_get_contents('php://input')]);
$posts = $blog->query('SELECT text FROM posts ORDER BY id')->fetch_all(MYSQLI_ASSOC);
echo implode("\\n", array_column($posts, 'text'));
END
EXPOSE 80
CMD ["apache2ctl", "-D", "FOREGROUND"]
`,
};
