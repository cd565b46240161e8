#include "check.h"

START {
  WANT(NOTCAPABLE, __wasi_fd_allocate(opened("file", __WASI_RIGHTS_FD_WRITE), 0, 100));
  WANT(BADF, __wasi_fd_allocate(CLOSED, 0, 100));
}
