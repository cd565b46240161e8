#include "check.h"

START {
  WANT(NOTSOCK, __wasi_sock_shutdown(1, __WASI_SDFLAGS_RD));
  WANT(BADF, __wasi_sock_shutdown(CLOSED, __WASI_SDFLAGS_WR));
}
