#include "check.h"

START {
  WANT(PERM, __wasi_path_link(ROOT, 0, "folder", ROOT, "second"));
  WANT(EXIST, __wasi_path_link(ROOT, 0, "file", ROOT, "folder"));
  WANT(INVAL, __wasi_path_link(ROOT, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", ROOT, "second"));
}
