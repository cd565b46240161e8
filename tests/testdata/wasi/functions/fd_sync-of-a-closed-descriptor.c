#include "check.h"

START {
  WANT(BADF, __wasi_fd_sync(CLOSED));
  WANT(NOTCAPABLE, __wasi_fd_sync(opened("file", __WASI_RIGHTS_FD_READ)));
}
