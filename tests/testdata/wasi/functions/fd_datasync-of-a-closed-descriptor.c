#include "check.h"

START {
  WANT(BADF, __wasi_fd_datasync(CLOSED));
  WANT(NOTCAPABLE, __wasi_fd_datasync(opened("file", __WASI_RIGHTS_FD_READ)));
}
