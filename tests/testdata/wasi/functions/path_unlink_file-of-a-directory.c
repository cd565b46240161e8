#include "check.h"

START {
  WANT(ISDIR, __wasi_path_unlink_file(ROOT, "folder"));
  WANT(NOTDIR, __wasi_path_unlink_file(ROOT, "file/"));
  WANT(PERM, __wasi_path_unlink_file(ROOT, "../decoy"));
}
