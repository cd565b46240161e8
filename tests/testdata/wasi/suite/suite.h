// Helpers for conformance tests. The exit code is 0, or the line of the first failed check.
#include <string.h>
#include "../functions/check.h"

#define FILE_RIGHTS                                                                            \
  (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK |                    \
   __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE | \
   __WASI_RIGHTS_FD_FILESTAT_SET_TIMES | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS |                   \
   __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_SYNC |               \
   __WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_POLL_FD_READWRITE)

static inline __wasi_errno_t try_open(const char *path, __wasi_lookupflags_t lookup,
                                      __wasi_oflags_t oflags, __wasi_fdflags_t flags,
                                      __wasi_fd_t *fd) {
  return __wasi_path_open(ROOT, lookup, path, oflags, FILE_RIGHTS, 0, flags, fd);
}

static inline __wasi_fd_t create(const char *path) {
  __wasi_fd_t fd;
  WANT(SUCCESS, try_open(path, 0, __WASI_OFLAGS_CREAT, 0, &fd));
  return fd;
}

static inline void write_text(__wasi_fd_t fd, const char *text) {
  const __wasi_ciovec_t iov = {(const uint8_t *)text, strlen(text)};
  WANT(SUCCESS, __wasi_fd_write(fd, &iov, 1, &size));
  MUST(size == strlen(text));
}

// Reads up to `length` bytes into `bytes`, and checks that they equal `text`.
static inline void expect(__wasi_fd_t fd, __wasi_size_t length, const char *text) {
  const __wasi_iovec_t iov = {(uint8_t *)bytes, length};
  WANT(SUCCESS, __wasi_fd_read(fd, &iov, 1, &size));
  MUST(size == strlen(text) && memcmp(bytes, text, size) == 0);
}

static inline __wasi_filestat_t status(const char *path, __wasi_lookupflags_t lookup) {
  __wasi_filestat_t stat;
  WANT(SUCCESS, __wasi_path_filestat_get(ROOT, lookup, path, &stat));
  return stat;
}

static inline __wasi_filesize_t tell(__wasi_fd_t fd) {
  __wasi_filesize_t position;
  WANT(SUCCESS, __wasi_fd_tell(fd, &position));
  return position;
}

#define FOLLOW __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW
