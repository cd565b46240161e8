#include "check.h"

START {
  WANT(ISDIR, __wasi_path_rename(ROOT, "file", ROOT, "folder"));
  WANT(NOTDIR, __wasi_path_rename(ROOT, "folder", ROOT, "file"));
  WANT(INVAL, __wasi_path_rename(ROOT, "folder", ROOT, "folder/below"));
  WANT(PERM, __wasi_path_rename(ROOT, "file", ROOT, "../file"));
}
