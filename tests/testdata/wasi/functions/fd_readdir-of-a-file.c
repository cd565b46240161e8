#include "check.h"

START {
  WANT(NOTDIR, __wasi_fd_readdir(opened("file", __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_READDIR), (uint8_t *)bytes, sizeof bytes, 0, &size));
  WANT(BADF, __wasi_fd_readdir(CLOSED, (uint8_t *)bytes, sizeof bytes, 0, &size));
}
