#include "check.h"

START {
  __wasi_filestat_t stat;
  WANT(NOENT, __wasi_path_filestat_get(ROOT, 0, "nothing", &stat));
  WANT(NOTDIR, __wasi_path_filestat_get(ROOT, 0, "file/", &stat));
  WANT(INVAL, __wasi_path_filestat_get(ROOT, 2, "file", &stat));
}
