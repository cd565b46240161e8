#include "check.h"

START {
  WANT(INVAL, __wasi_path_filestat_set_times(ROOT, 0, "file", 1, 2, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW));
  WANT(NOENT, __wasi_path_filestat_set_times(ROOT, 0, "nothing", 1, 2, __WASI_FSTFLAGS_MTIM));
}
