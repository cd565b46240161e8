#include "check.h"

START {
  WANT(NAMETOOLONG, __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)bytes, 1));
  MUST(bytes[0] == 0);
}
