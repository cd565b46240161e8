#include "check.h"

START {
  __wasi_fd_t fd;
  WANT(PERM, __wasi_path_open(ROOT, 0, "..", 0, 0, 0, 0, &fd));
  WANT(PERM, __wasi_path_open(ROOT, 0, "folder/../../decoy", 0, 0, 0, 0, &fd));
  WANT(PERM, __wasi_path_open(ROOT, 0, "/", 0, 0, 0, 0, &fd));
  WANT(LOOP, __wasi_path_open(ROOT, 0, "link", 0, 0, 0, 0, &fd));
  WANT(NOTDIR, __wasi_path_open(opened("file", __WASI_RIGHTS_FD_READ), 0, "x", 0, 0, 0, 0, &fd));
}
