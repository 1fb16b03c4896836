"""Prints every file below a directory, one JSON line each, sorted: what two unpacked images must agree on."""

import hashlib
import json
import os
import stat
import sys


def describe(path, status):
    if stat.S_ISREG(status.st_mode):
        with open(path, 'rb') as file:
            return hashlib.sha256(file.read()).hexdigest()
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return '%d:%d' % (os.major(status.st_rdev), os.minor(status.st_rdev))
    return ''


def shown_text(value):
    return value.decode('utf-8', 'backslashreplace') if isinstance(value, bytes) else value


def xattrs(path):
    names = os.listxattr(path, follow_symlinks=False)
    kept = sorted(name for name in names if not name.startswith('trusted.'))
    return {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in kept}


def main(root, skipped):
    entries, first_names = [], {}
    for directory, directories, files in os.walk(os.fsencode(root)):
        relative = os.path.relpath(directory, os.fsencode(root))
        directories[:] = [name for name in directories if os.path.join(relative, name).lstrip(b'./') not in skipped]
        for name in directories + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            is_directory = stat.S_ISDIR(status.st_mode)
            entries.append((os.path.relpath(path, os.fsencode(root)), path, status, is_directory))
    entries.sort()
    for relative, path, status, is_directory in entries:
        shown = relative.decode('utf-8', 'backslashreplace')
        first = first_names.setdefault((status.st_dev, status.st_ino), shown) if status.st_nlink > 1 and not is_directory else ''
        print(json.dumps([
            shown,
            '%o' % status.st_mode,
            status.st_uid,
            status.st_gid,
            0 if is_directory else status.st_size,
            status.st_mtime_ns,
            shown_text(describe(path, status)),
            first,
            xattrs(path),
        ]))


main(sys.argv[1], [os.fsencode(name) for name in sys.argv[2:]])
