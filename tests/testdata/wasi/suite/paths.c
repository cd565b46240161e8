// Paths: dots, slashes, links, limits, and path_open for each file type.
#include "suite.h"

START {
  __wasi_fd_t fd;
  const char *same[] = {"file", "./file", ".//./file", "folder/../file", "folder/.././file"};
  for (int i = 0; i < 5; i++) {
    WANT(SUCCESS, try_open(same[i], 0, 0, 0, &fd));
    expect(fd, 64, "hello");
    WANT(SUCCESS, __wasi_fd_close(fd));
  }
  const char *outside[] = {"..", "../file", "folder/../../file", "/", "/file", "/etc/passwd"};
  for (int i = 0; i < 6; i++) WANT(PERM, try_open(outside[i], 0, 0, 0, &fd));
  WANT(NOENT, try_open("", 0, 0, 0, &fd));
  WANT(NOENT, try_open("missing", 0, 0, 0, &fd));
  WANT(NOENT, try_open("missing/file", 0, 0, 0, &fd));
  WANT(NOTDIR, try_open("file/", 0, 0, 0, &fd));
  WANT(NOTDIR, try_open("file/inside", 0, 0, 0, &fd));
  WANT(NOTDIR, try_open("file", 0, __WASI_OFLAGS_DIRECTORY, 0, &fd));
  WANT(INVAL, try_open("x", 0, __WASI_OFLAGS_DIRECTORY | __WASI_OFLAGS_CREAT, 0, &fd));
  WANT(ISDIR, try_open("folder", 0, 0, 0, &fd));
  WANT(ISDIR, try_open("new/", 0, __WASI_OFLAGS_CREAT, 0, &fd));
  WANT(EXIST, try_open("file", 0, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, 0, &fd));
  WANT(EXIST, try_open("link", 0, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, 0, &fd));

  // A symbolic link is followed only with SYMLINK_FOLLOW.
  WANT(LOOP, try_open("link", 0, 0, 0, &fd));
  WANT(SUCCESS, try_open("link", FOLLOW, 0, 0, &fd));
  expect(fd, 64, "hello");
  WANT(SUCCESS, __wasi_fd_close(fd));

  // A descriptor that is not a directory.
  WANT(SUCCESS, try_open("file", 0, 0, 0, &fd));
  __wasi_fd_t other;
  WANT(NOTDIR, __wasi_path_open(fd, 0, "file", 0, FILE_RIGHTS, 0, 0, &other));
  WANT(NOTDIR, __wasi_path_unlink_file(fd, "file"));
  WANT(NOTDIR, __wasi_path_open(1, 0, "file", 0, FILE_RIGHTS, 0, 0, &other));
  WANT(BADF, __wasi_path_open(CLOSED, 0, "file", 0, FILE_RIGHTS, 0, 0, &other));
  WANT(SUCCESS, __wasi_fd_close(fd));

  // The longest name has 255 bytes.
  static char name[257];
  memset(name, 'n', 255);
  fd = create(name);
  WANT(SUCCESS, __wasi_fd_close(fd));
  WANT(SUCCESS, __wasi_path_unlink_file(ROOT, name));
  name[255] = 'n';
  WANT(NAMETOOLONG, try_open(name, 0, __WASI_OFLAGS_CREAT, 0, &fd));

  // A file that is unlinked while it is open keeps its content; its name is free.
  fd = create("short-lived");
  write_text(fd, "kept");
  WANT(SUCCESS, __wasi_path_unlink_file(ROOT, "short-lived"));
  WANT(NOENT, try_open("short-lived", 0, 0, 0, &other));
  __wasi_filesize_t position;
  WANT(SUCCESS, __wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &position));
  expect(fd, 64, "kept");
  WANT(SUCCESS, __wasi_fd_close(fd));
}
