// Helpers for calls that must fail. The exit code is 0, or the line of the first failed check.
#include <wasi/api.h>

#define WANT(error, call) ((call) == __WASI_ERRNO_##error ? (void)0 : __wasi_proc_exit(__LINE__))
#define MUST(condition) ((condition) ? (void)0 : __wasi_proc_exit(__LINE__))

// The preopened directory: `file` ("hello"), `folder/inside`, and `link`, a symlink to `file`.
#define ROOT 3
// A descriptor that is never open.
#define CLOSED 99
// The first address beyond the linear memory.
#define END ((void *)(__builtin_wasm_memory_size(0) * 65536))

static char bytes[64];
static const __wasi_iovec_t buffer = {(uint8_t *)bytes, sizeof bytes};
static const __wasi_ciovec_t content = {(const uint8_t *)"hello", 5};
static __wasi_size_t size;

static inline __wasi_fd_t opened(const char *path, __wasi_rights_t rights) {
  __wasi_fd_t fd;
  WANT(SUCCESS, __wasi_path_open(ROOT, 0, path, 0, rights, 0, 0, &fd));
  return fd;
}

#define START void _start(void)
