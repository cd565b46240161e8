// Symbolic and hard links: creating, reading, following, dangling, circular, removing.
#include "suite.h"

START {
  __wasi_fd_t fd;
  WANT(SUCCESS, __wasi_path_symlink("file", ROOT, "second"));
  WANT(EXIST, __wasi_path_symlink("file", ROOT, "second"));
  WANT(EXIST, __wasi_path_symlink("file", ROOT, "folder"));
  WANT(PERM, __wasi_path_symlink("/file", ROOT, "absolute"));
  WANT(SUCCESS, __wasi_path_readlink(ROOT, "second", (uint8_t *)bytes, sizeof bytes, &size));
  MUST(size == 4 && memcmp(bytes, "file", 4) == 0);
  WANT(SUCCESS, __wasi_path_readlink(ROOT, "second", (uint8_t *)bytes, 2, &size));
  MUST(size == 2);
  WANT(INVAL, __wasi_path_readlink(ROOT, "file", (uint8_t *)bytes, sizeof bytes, &size));
  WANT(NOENT, __wasi_path_readlink(ROOT, "missing", (uint8_t *)bytes, sizeof bytes, &size));
  MUST(status("second", 0).filetype == __WASI_FILETYPE_SYMBOLIC_LINK);
  MUST(status("second", 0).size == 4);
  MUST(status("second", FOLLOW).filetype == __WASI_FILETYPE_REGULAR_FILE);
  MUST(status("second", FOLLOW).ino == status("file", 0).ino);

  // Dangling and circular links.
  WANT(SUCCESS, __wasi_path_symlink("nothing", ROOT, "dangling"));
  WANT(NOENT, try_open("dangling", FOLLOW, 0, 0, &fd));
  WANT(LOOP, try_open("dangling", 0, 0, 0, &fd));
  MUST(status("dangling", 0).filetype == __WASI_FILETYPE_SYMBOLIC_LINK);
  WANT(SUCCESS, __wasi_path_symlink("loop", ROOT, "loop"));
  WANT(LOOP, try_open("loop", FOLLOW, 0, 0, &fd));
  WANT(LOOP, try_open("loop/file", 0, 0, 0, &fd));
  WANT(SUCCESS, try_open("dangling", FOLLOW, __WASI_OFLAGS_CREAT, 0, &fd));
  WANT(SUCCESS, __wasi_fd_close(fd));
  MUST(status("nothing", 0).filetype == __WASI_FILETYPE_REGULAR_FILE);

  // A link out of the preopened directory can be created, but not followed.
  WANT(SUCCESS, __wasi_path_symlink("../..", ROOT, "out"));
  WANT(PERM, try_open("out/etc/passwd", FOLLOW, 0, 0, &fd));
  WANT(SUCCESS, __wasi_path_symlink("../file", ROOT, "folder/up"));
  WANT(SUCCESS, try_open("folder/up", FOLLOW, 0, 0, &fd));
  expect(fd, 64, "hello");
  WANT(SUCCESS, __wasi_fd_close(fd));

  // Hard links.
  WANT(SUCCESS, __wasi_path_link(ROOT, 0, "file", ROOT, "folder/hard"));
  MUST(status("file", 0).nlink == 2);
  MUST(status("file", 0).ino == status("folder/hard", 0).ino);
  WANT(EXIST, __wasi_path_link(ROOT, 0, "file", ROOT, "folder/hard"));
  WANT(PERM, __wasi_path_link(ROOT, 0, "folder", ROOT, "folder2"));
  WANT(NOENT, __wasi_path_link(ROOT, 0, "missing", ROOT, "x"));
  WANT(SUCCESS, __wasi_path_link(ROOT, 0, "second", ROOT, "third"));
  MUST(status("third", 0).filetype == __WASI_FILETYPE_SYMBOLIC_LINK);

  // Removing a link leaves its target.
  WANT(SUCCESS, __wasi_path_unlink_file(ROOT, "second"));
  WANT(SUCCESS, __wasi_path_unlink_file(ROOT, "folder/hard"));
  MUST(status("file", 0).nlink == 1);
  WANT(NOENT, __wasi_path_unlink_file(ROOT, "second"));
}
