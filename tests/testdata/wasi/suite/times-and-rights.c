// Timestamps of files and links, and rights: dropped, inherited, required by each call.
#include "suite.h"

#define SET_BOTH (__WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM)

START {
  __wasi_fd_t fd;
  __wasi_fdstat_t stat;
  WANT(SUCCESS, try_open("file", 0, 0, 0, &fd));
  WANT(SUCCESS, __wasi_fd_filestat_set_times(fd, 100, 200, SET_BOTH));
  MUST(status("file", 0).atim == 100 && status("file", 0).mtim == 200);
  WANT(SUCCESS, __wasi_fd_filestat_set_times(fd, 5, 6, __WASI_FSTFLAGS_MTIM));
  MUST(status("file", 0).atim == 100 && status("file", 0).mtim == 6);
  WANT(SUCCESS, __wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_ATIM_NOW));
  MUST(status("file", 0).atim > 1000000000000000000 && status("file", 0).mtim == 6);
  WANT(INVAL, __wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW));
  WANT(INVAL, __wasi_fd_filestat_set_times(fd, 0, 0, 1 << 4));

  // The timestamps of a link, or of its target.
  WANT(SUCCESS, __wasi_path_filestat_set_times(ROOT, 0, "link", 7, 8, SET_BOTH));
  MUST(status("link", 0).mtim == 8 && status("file", 0).mtim == 6);
  WANT(SUCCESS, __wasi_path_filestat_set_times(ROOT, FOLLOW, "link", 9, 10, SET_BOTH));
  MUST(status("link", 0).mtim == 8 && status("file", 0).mtim == 10);
  WANT(NOENT, __wasi_path_filestat_set_times(ROOT, 0, "missing", 0, 0, SET_BOTH));

  // Rights can be dropped, but not regained.
  WANT(SUCCESS, __wasi_fd_fdstat_get(fd, &stat));
  MUST(stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE && stat.fs_flags == 0);
  MUST(stat.fs_rights_base == FILE_RIGHTS && stat.fs_rights_inheriting == 0);
  WANT(SUCCESS, __wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ, 0));
  WANT(NOTCAPABLE, __wasi_fd_fdstat_set_rights(fd, FILE_RIGHTS, 0));
  expect(fd, 64, "hello");
  WANT(BADF, __wasi_fd_write(fd, &content, 1, &size));
  WANT(NOTCAPABLE, __wasi_fd_filestat_set_size(fd, 0));
  WANT(NOTCAPABLE, __wasi_fd_filestat_set_times(fd, 0, 0, SET_BOTH));
  WANT(SUCCESS, __wasi_fd_close(fd));

  // A descriptor opened through a directory has at most the directory's inheriting rights.
  __wasi_fd_t folder;
  WANT(SUCCESS, __wasi_path_open(ROOT, 0, "folder", __WASI_OFLAGS_DIRECTORY,
                                 __WASI_RIGHTS_PATH_OPEN, __WASI_RIGHTS_FD_READ, 0, &folder));
  WANT(NOTCAPABLE, __wasi_path_open(folder, 0, "inside", 0, FILE_RIGHTS, 0, 0, &fd));
  WANT(NOTCAPABLE, __wasi_path_open(folder, 0, "new", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ, 0, 0, &fd));
  WANT(NOTCAPABLE, __wasi_path_unlink_file(folder, "inside"));
  WANT(SUCCESS, __wasi_path_open(folder, 0, "inside", 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd));
  expect(fd, 64, "x");
}
