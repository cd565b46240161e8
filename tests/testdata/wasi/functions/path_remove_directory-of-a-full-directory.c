#include "check.h"

START {
  WANT(NOTEMPTY, __wasi_path_remove_directory(ROOT, "folder"));
  WANT(NOTDIR, __wasi_path_remove_directory(ROOT, "file"));
  WANT(NOTDIR, __wasi_path_remove_directory(ROOT, "link"));
}
