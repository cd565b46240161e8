#include "check.h"

START {
  __wasi_fd_t fd = opened("file", __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK);
  WANT(SUCCESS, __wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ, 0));
  WANT(NOTCAPABLE, __wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK, 0));
  WANT(NOTCAPABLE, __wasi_fd_fdstat_set_rights(fd, 0, __WASI_RIGHTS_FD_READ));
}
