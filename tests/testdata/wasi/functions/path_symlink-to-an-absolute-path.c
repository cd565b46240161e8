#include "check.h"

START {
  WANT(PERM, __wasi_path_symlink("/file", ROOT, "new"));
  WANT(EXIST, __wasi_path_symlink("file", ROOT, "link"));
  WANT(NOENT, __wasi_path_symlink("file", ROOT, "new/"));
}
