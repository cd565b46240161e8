#include "check.h"

START {
  WANT(EXIST, __wasi_path_create_directory(ROOT, "file"));
  WANT(NOTDIR, __wasi_path_create_directory(ROOT, "file/below"));
  WANT(PERM, __wasi_path_create_directory(ROOT, "../made"));
}
