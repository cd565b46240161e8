#include "check.h"

START {
  WANT(INVAL, __wasi_path_readlink(ROOT, "file", (uint8_t *)bytes, sizeof bytes, &size));
  WANT(NOENT, __wasi_path_readlink(ROOT, "nothing", (uint8_t *)bytes, sizeof bytes, &size));
}
