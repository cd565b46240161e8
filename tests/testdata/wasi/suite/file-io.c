// File I/O: positions, offsets, vectored I/O, append mode, file sizes.
#include "suite.h"

START {
  __wasi_fd_t fd = create("new");
  __wasi_filesize_t position;
  __wasi_filestat_t stat;
  write_text(fd, "hello world");
  MUST(tell(fd) == 11);
  expect(fd, 10, "");
  WANT(SUCCESS, __wasi_fd_seek(fd, -5, __WASI_WHENCE_END, &position));
  MUST(position == 6);
  expect(fd, 3, "wor");
  WANT(SUCCESS, __wasi_fd_seek(fd, -3, __WASI_WHENCE_CUR, &position));
  MUST(position == 6);
  WANT(INVAL, __wasi_fd_seek(fd, -7, __WASI_WHENCE_CUR, &position));
  MUST(tell(fd) == 6);

  // Vectored I/O at the current position and at an offset.
  char first[4], second[8];
  const __wasi_iovec_t into[] = {{(uint8_t *)first, 4}, {0, 0}, {(uint8_t *)second, 8}};
  WANT(SUCCESS, __wasi_fd_pread(fd, into, 3, 1, &size));
  MUST(size == 10 && memcmp(first, "ello", 4) == 0 && memcmp(second, " world", 6) == 0);
  const __wasi_ciovec_t from[] = {{(const uint8_t *)"J", 1}, {(const uint8_t *)"E", 1}};
  WANT(SUCCESS, __wasi_fd_pwrite(fd, from, 2, 0, &size));
  MUST(size == 2 && tell(fd) == 6);
  WANT(SUCCESS, __wasi_fd_pread(fd, into, 3, 100, &size));
  MUST(size == 0);
  WANT(SUCCESS, __wasi_fd_write(fd, from, 0, &size));
  MUST(size == 0);
  WANT(SUCCESS, __wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &position));
  expect(fd, 64, "JEllo world");

  // A write beyond the end fills the gap with zeros.
  WANT(SUCCESS, __wasi_fd_seek(fd, 14, __WASI_WHENCE_SET, &position));
  write_text(fd, "!");
  WANT(SUCCESS, __wasi_fd_filestat_get(fd, &stat));
  MUST(stat.size == 15 && stat.filetype == __WASI_FILETYPE_REGULAR_FILE && stat.nlink == 1);
  WANT(SUCCESS, __wasi_fd_pread(fd, into + 2, 1, 11, &size));
  MUST(size == 4 && memcmp(second, "\0\0\0!", 4) == 0);

  // File sizes.
  WANT(SUCCESS, __wasi_fd_filestat_set_size(fd, 2));
  WANT(SUCCESS, __wasi_fd_filestat_get(fd, &stat));
  MUST(stat.size == 2);
  WANT(SUCCESS, __wasi_fd_allocate(fd, 10, 10));
  WANT(SUCCESS, __wasi_fd_filestat_get(fd, &stat));
  MUST(stat.size == 20);
  WANT(SUCCESS, __wasi_fd_sync(fd));
  WANT(SUCCESS, __wasi_fd_datasync(fd));
  WANT(SUCCESS, __wasi_fd_advise(fd, 0, 100, __WASI_ADVICE_WILLNEED));
  WANT(SUCCESS, __wasi_fd_close(fd));

  // Append mode, set and cleared, and truncation.
  WANT(SUCCESS, try_open("new", 0, __WASI_OFLAGS_TRUNC, __WASI_FDFLAGS_APPEND, &fd));
  write_text(fd, "ab");
  WANT(SUCCESS, __wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &position));
  write_text(fd, "cd");
  WANT(SUCCESS, __wasi_fd_fdstat_set_flags(fd, 0));
  WANT(SUCCESS, __wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &position));
  write_text(fd, "A");
  WANT(SUCCESS, __wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &position));
  expect(fd, 64, "Abcd");
  WANT(SUCCESS, __wasi_fd_close(fd));
}
