// Preopened directories: names, closing one, and renumbering another descriptor to one.
#include "suite.h"

START {
  __wasi_prestat_t prestat;
  WANT(SUCCESS, __wasi_fd_prestat_get(ROOT, &prestat));
  MUST(prestat.tag == __WASI_PREOPENTYPE_DIR && prestat.u.dir.pr_name_len == 1);
  WANT(SUCCESS, __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)bytes, 1));
  MUST(bytes[0] == '/');
  WANT(NAMETOOLONG, __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)bytes, 0));
  WANT(BADF, __wasi_fd_prestat_get(ROOT + 1, &prestat));
  WANT(BADF, __wasi_fd_prestat_get(1, &prestat));

  // A subdirectory has no preopen name. fd_renumber replaces the preopened directory with it.
  __wasi_fd_t folder, fd;
  __wasi_rights_t rights = __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_FD_READDIR;
  WANT(SUCCESS, __wasi_path_open(ROOT, 0, "folder", __WASI_OFLAGS_DIRECTORY, rights, FILE_RIGHTS, 0, &folder));
  WANT(BADF, __wasi_fd_prestat_get(folder, &prestat));
  WANT(SUCCESS, __wasi_fd_renumber(folder, ROOT));
  WANT(BADF, __wasi_fd_close(folder));
  WANT(BADF, __wasi_fd_prestat_get(ROOT, &prestat));
  WANT(NOENT, try_open("file", 0, 0, 0, &fd));
  WANT(SUCCESS, try_open("inside", 0, 0, 0, &fd));
  WANT(SUCCESS, __wasi_fd_close(fd));

  WANT(SUCCESS, __wasi_fd_close(ROOT));
  WANT(BADF, try_open("inside", 0, 0, 0, &fd));
  WANT(BADF, __wasi_fd_close(ROOT));
}
