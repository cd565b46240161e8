#include "check.h"

START {
  MUST(__wasi_fd_filestat_set_size(ROOT, 0) != __WASI_ERRNO_SUCCESS);
  WANT(NOTCAPABLE, __wasi_fd_filestat_set_size(opened("file", __WASI_RIGHTS_FD_WRITE), 0));
}
