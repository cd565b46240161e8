#include "check.h"

START {
  __wasi_fd_t fd = opened("file", __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK);
  __wasi_filesize_t at;
  WANT(INVAL, __wasi_fd_seek(fd, -1, __WASI_WHENCE_SET, &at));
  WANT(INVAL, __wasi_fd_seek(fd, -6, __WASI_WHENCE_END, &at));
  WANT(INVAL, __wasi_fd_seek(fd, 0, 3, &at));
  WANT(SPIPE, __wasi_fd_seek(1, 0, __WASI_WHENCE_CUR, &at));
}
